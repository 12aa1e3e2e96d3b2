import { expect, it } from "vitest";
import { FileCache } from "./file-cache.ts";
import type { Found } from "./found-file.ts";

function fileOf(bytes: number): Found {
  const content = Buffer.alloc(bytes);
  const plain = { path: "", size: bytes, tag: '"a"', content };
  return { kind: "file", type: "", isHashed: false, plain, br: undefined, gzip: undefined };
}

it("a file is looked up once, also by callers that come at the same time", async () => {
  let lookups = 0;
  const cache = new FileCache(10_000, async () => {
    lookups++;
    return fileOf(1);
  });
  expect(cache.known("/code", "a")).toBeUndefined();
  const [first, second] = await Promise.all([
    cache.lookUp("/code", "a"),
    cache.lookUp("/code", "a"),
  ]);
  expect(first).toBe(second);
  expect(cache.known("/code", "a")).toBe(first);
  expect(lookups).toBe(1);
  cache.clear();
  expect(cache.known("/code", "a")).toBeUndefined();
});

it("files that were not asked for lately make way for others", async () => {
  const cache = new FileCache(10_000, async () => fileOf(3_000));
  await cache.lookUp("/code", "used");
  await cache.lookUp("/code", "unused");
  expect(cache.known("/code", "used")).toBeDefined();
  await cache.lookUp("/code", "third");
  expect(cache.known("/code", "used")).toBeDefined();
  expect(cache.known("/code", "unused")).toBeUndefined();
  expect(cache.known("/code", "third")).toBeDefined();
});

it("names of missing files take a bounded part of the memory", async () => {
  const cache = new FileCache(100_000, async () => ({ kind: "none" }));
  for (let count = 0; count < 1_000; count++) await cache.lookUp("/code", `missing-${count}`);
  const names = Array.from({ length: 1_000 }, (_, count) => `missing-${count}`);
  const known = names.filter((name) => cache.known("/code", name) !== undefined);
  expect(known.length).toBeGreaterThan(50);
  expect(known.length).toBeLessThan(200);
});

it("sixteen files are looked up at once, and the next when one is found", async () => {
  const running: (() => void)[] = [];
  const cache = new FileCache(
    10_000,
    () => new Promise((resolve) => running.push(() => resolve({ kind: "none" }))),
  );
  const lookups = Array.from({ length: 20 }, (_, count) => cache.lookUp("/code", String(count)));
  expect(running.length).toBe(16);
  running[0]?.();
  await lookups[0];
  await expect.poll(() => running.length).toBe(17);
  for (let count = 1; count < 20; count++) {
    await expect.poll(() => running.length).toBeGreaterThan(count);
    running[count]?.();
  }
  await Promise.all(lookups);
});

it("a failed lookup fails its callers, and is made again", async () => {
  let lookups = 0;
  const cache = new FileCache(10_000, async () => {
    lookups++;
    if (lookups === 1) throw new Error("The disk failed.");
    return fileOf(1);
  });
  await expect(cache.lookUp("/code", "a")).rejects.toThrow("The disk failed.");
  expect(await cache.lookUp("/code", "a")).toMatchObject({ kind: "file" });
});
