import { expect, it } from "vitest";
import { KeyedQueue } from "./keyed-queue.ts";

/** Work that starts when it is run and ends when the test says so. */
function makeWork(name: string, log: string[]): { run: () => Promise<string>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = async (): Promise<string> => {
    log.push(`start ${name}`);
    await promise;
    log.push(`end ${name}`);
    return name;
  };
  return { run, end: resolve };
}

it("work of one key runs in order, and other keys do not wait for it", async () => {
  const queue = new KeyedQueue();
  const log: string[] = [];
  const [a1, a2, b1] = [makeWork("a1", log), makeWork("a2", log), makeWork("b1", log)];
  const first = queue.run("a", a1.run);
  const second = queue.run("a", a2.run);
  const other = queue.run("b", b1.run);
  a2.end();
  b1.end();
  expect(await other).toBe("b1");
  a1.end();
  expect(await Promise.all([first, second])).toEqual(["a1", "a2"]);
  expect(log).toEqual(["start a1", "start b1", "end b1", "end a1", "start a2", "end a2"]);
});

it("work that fails rejects its own call only", async () => {
  const queue = new KeyedQueue();
  const failing = queue.run("a", async () => {
    throw new Error("no");
  });
  const next = queue.run("a", async () => 2);
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe(2);
});

it("a key whose work is done is forgotten", async () => {
  const queue = new KeyedQueue();
  const [a, b] = [makeWork("a", []), makeWork("b", [])];
  const done = [queue.run("a", a.run), queue.run("b", b.run)];
  expect(queue.size).toBe(2);
  a.end();
  b.end();
  await Promise.all(done);
  expect(queue.size).toBe(0);
});
