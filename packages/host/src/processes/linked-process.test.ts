import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type GivenToLinked, startLinked } from "./linked-process.ts";

const openFiles = (): string[] => readdirSync("/proc/self/fd");

it("a linked process has its link and shared memory", async () => {
  const before = openFiles();
  let given: GivenToLinked | undefined;
  const { child, pid, socket, shared } = startLinked((parts) => {
    given = parts;
    const program = `
      const { readFileSync, writeSync } = require("node:fs");
      writeSync(5, "from the child", 0);
      writeSync(3, process.env.LEVER_SHARES_MEMORY + " " + readFileSync(4, "utf8").slice(0, 15));
    `;
    return { program: process.execPath, args: ["-e", program], env: { ...parts.variables } };
  });
  shared?.outgoing.write(Buffer.from("from the parent"), 0);
  const [received] = (await once(socket, "data")) as [Buffer];
  expect(String(received)).toBe("yes from the parent");
  expect(given?.fds).toBe(3);
  const bytes = Buffer.alloc("from the child".length);
  shared?.incoming.read(bytes, 0);
  expect(String(bytes)).toBe("from the child");
  socket.destroy();
  await once(child, "close");
  expect(pid).toBe(child.pid);
  expect(openFiles()).toEqual(before);
});

it("a process that cannot be started leaves no file open", async () => {
  const before = openFiles();
  const unwritable = (): never => {
    readFileSync("/nowhere/config.json");
    throw new Error("unreachable");
  };
  expect(() => startLinked(unwritable)).toThrow("ENOENT");
  expect(openFiles()).toEqual(before);
  const missing = { program: "/nowhere/program", args: [], env: {} };
  expect(() => startLinked(() => missing)).toThrow(
    expect.objectContaining({ code: "start_failed" }),
  );
  await expect.poll(openFiles).toEqual(before);
});
