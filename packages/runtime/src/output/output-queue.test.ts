import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { FRAME_START, FRAME_TEXT, formatFrame } from "@leveros/protocol";
import { expect, it } from "vitest";
import { eventually } from "../../../../tests/harness/eventually.ts";
import { OutputQueue } from "./output-queue.ts";

const frame = (text: string): Buffer =>
  Buffer.from(formatFrame({ call: "", level: "info", bytes: text.length }) + text);

/** A reader that begins when it is told to. */
function reader(): { fd: number; begin(): void; end(text: string): Promise<string> } {
  const child = spawn("sh", ["-c", "read go <&3; cat"], {
    stdio: ["pipe", "pipe", "ignore", "pipe"],
  });
  let read = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    read += chunk.toString("latin1");
  });
  const { fd } = (child.stdin as unknown as { _handle: { fd: number } })._handle;
  return {
    fd,
    begin: () => void (child.stdio[3] as Socket).write("go\n"),
    /** Resolves to all that it has read, when that has this text. */
    async end(text: string) {
      await eventually(() => read.includes(text));
      child.stdin?.end();
      await once(child, "close");
      return read;
    },
  };
}

it("frames that the reader takes are written as they are", async () => {
  const { fd, begin, end } = reader();
  const queue = new OutputQueue(fd);
  begin();
  queue.write(frame("one\n"));
  queue.write(frame("two\n"));
  expect(await end("two\n")).toBe(`${frame("one\n")}${frame("two\n")}`);
});

it("frames above the limit of a slow reader are counted, and the last ones are written", async () => {
  const { fd, begin, end } = reader();
  const queue = new OutputQueue(fd);
  const texts = Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`);
  for (const text of texts) queue.write(frame(text));
  begin();
  const read = await end("line 49999\n");
  const frames = read.split(String.fromCharCode(FRAME_START));
  const written = frames.filter((part) => part.startsWith(";2;"));
  const dropped = frames
    .filter((part) => part.startsWith(";0;"))
    .map((part) => Number.parseInt(part.split(String.fromCharCode(FRAME_TEXT))[1] ?? "", 10));
  expect(written.length + dropped.reduce((sum, count) => sum + count, 0)).toBe(texts.length);
  expect(dropped.length).toBeGreaterThan(0);
  expect(written.at(-1)).toContain("line 49999\n");
});
