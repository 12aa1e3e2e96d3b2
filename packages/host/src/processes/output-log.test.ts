import { type FrameHeader, formatFrame } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { OutputLog } from "./output-log.ts";

function logOf(bytesPerSecondMax: number): {
  log: OutputLog;
  lines: string[];
  dropped: number[];
  clock: VirtualClock;
  write: (text: string, stream?: "stdout" | "stderr") => void;
} {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const dropped: number[] = [];
  const log = new OutputLog({
    bytesPerSecondMax,
    burstBytesMax: bytesPerSecondMax,
    recordBytesMax: 1_000,
    clock,
    onRecord: ({ text }) => lines.push(text),
    onDropped: ({ bytes }) => dropped.push(bytes),
  });
  const write = (text: string, stream: "stdout" | "stderr" = "stdout"): void =>
    log.push(Buffer.from(text), stream);
  return { log, lines, dropped, clock, write };
}

const frame = (text: string, header: Partial<FrameHeader> = {}): string =>
  formatFrame({ call: "", level: "info", bytes: Buffer.byteLength(text), ...header }) + text;

const numbered = (count: number): string =>
  Array.from({ length: count }, (_, i) => `line ${i}\n`).join("");

describe("the log of a process's output", () => {
  it("has whole lines wherever the chunks end", () => {
    const { log, lines, write } = logOf(1_000);
    for (const chunk of ["on", "e\ntwo\nth", "ree"]) write(chunk);
    expect(lines).toEqual(["one", "two"]);
    expect(log.tail()).toBe("one\ntwo\nthree");
    log.end();
    expect(lines).toEqual(["one", "two", "three"]);
  });

  it("has whole characters wherever the chunks end", () => {
    const { log, lines } = logOf(1_000);
    for (const byte of Buffer.from("é€\u{1F600}\n")) log.push(Buffer.from([byte]), "stdout");
    expect(lines).toEqual(["é€\u{1F600}"]);
  });

  it("keeps the lines of the two streams apart", () => {
    const { log, lines, write } = logOf(10_000);
    write("x".repeat(5_000));
    write("an error\n", "stderr");
    write("y\nnext\n");
    log.end();
    expect(lines).toEqual(["an error", `${"x".repeat(1_000)}… (cut: it has 5001 bytes)`, "next"]);
  });

  it("drops lines over the limit of a second, and counts their bytes", () => {
    const { lines, dropped, clock, write } = logOf(10);
    write("12345\n12345\n12345\n");
    write("more\n");
    expect([lines, dropped]).toEqual([["12345"], []]);
    clock.advance(1_000);
    expect([lines, dropped]).toEqual([["12345", "more"], [12]]);
    write("next\n");
    expect(lines.at(-1)).toBe("next");
  });

  it("has the last lines after a flood, when its second is over", () => {
    const { lines, dropped, clock, write } = logOf(100);
    write(numbered(1_000));
    write("last words\n");
    clock.advance(999);
    expect(lines.at(-1)).toBe("line 12");
    clock.advance(1);
    expect(lines.slice(-2)).toEqual(["line 999", "last words"]);
    const logged = lines.reduce((sum, line) => sum + line.length + 1, 0);
    expect(logged + (dropped[0] ?? 0)).toBe(numbered(1_000).length + "last words\n".length);
  });

  it("has the last lines after a flood at once when the process has ended", () => {
    const { log, lines, dropped, write } = logOf(100);
    write(`${numbered(1_000)}last words`);
    log.end();
    expect([lines.at(-1), dropped.length]).toEqual(["last words", 1]);
  });

  it("keeps the order of lines and the limit during a flood of many seconds", () => {
    const { log, lines, clock, write } = logOf(100);
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 50; i++) write(`${second * 50 + i}\n`);
      clock.advance(1_000);
    }
    log.end();
    const numbers = lines.map(Number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(lines.join("\n").length).toBeLessThan(11 * 100);
  });

  it("lets errors through while it drops other records", () => {
    const { lines, write } = logOf(1_000);
    write(numbered(1_000));
    write(frame("it failed\n", { level: "error" }));
    expect(lines.at(-1)).toBe("it failed");
  });

  it("counts all records of a flood", () => {
    const { log, lines, dropped, write } = logOf(1_000);
    for (let i = 0; i < 100; i++) write(numbered(1_000));
    log.end();
    const logged = lines.reduce((sum, line) => sum + line.length + 1, 0);
    expect(logged + dropped.reduce((sum, bytes) => sum + bytes, 0)).toBe(
      100 * numbered(1_000).length,
    );
    expect(lines.at(-1)).toBe("line 999");
  });

  it("says how many records the instance itself has dropped", () => {
    const { log, lines, dropped, write } = logOf(1_000);
    write(`${frame("12 3456", { level: undefined })}${frame("next\n")}`);
    log.end();
    expect([lines, dropped]).toEqual([["next"], [3_456]]);
  });

  it("leaves the headers of frames out of the last lines", () => {
    const { log, write } = logOf(1_000);
    write(`${frame("one\n", { call: "k7-1" })}two\n${frame("three\n")}`);
    expect(log.tail()).toBe("one\ntwo\nthree");
  });

  it("stores the last lines, also dropped ones", () => {
    const { log, write } = logOf(10);
    for (let i = 0; i < 100; i++) write(`line ${i}\n`);
    const quoted = log.tail().split("\n");
    expect([quoted.length, quoted[0], quoted[19]]).toEqual([20, "line 80", "line 99"]);
    write("x".repeat(5_000));
    expect(log.tail()).toHaveLength(2_000);
  });

  it.each([
    ["x".repeat(1_000), "x".repeat(1_000)],
    ["x".repeat(1_001), `${"x".repeat(1_000)}… (cut: it has 1001 bytes)`],
    ["€".repeat(1_001), `${"€".repeat(333)}… (cut: it has 3003 bytes)`],
    [`x${"\u{1F600}".repeat(500)}`, `x${"\u{1F600}".repeat(249)}… (cut: it has 2001 bytes)`],
    ["x".repeat(2_000_000), `${"x".repeat(1_000)}… (cut: it has 2000000 bytes)`],
  ])("cuts a line that is too long, and says so", (written, logged) => {
    const { lines, write } = logOf(1_000_000);
    write(`${written}\nnext\n`);
    expect(lines).toEqual([logged, "next"]);
  });
});
