import { beforeEach, expect, it } from "vitest";
import { VirtualClock } from "../../../../../tests/harness/virtual-clock.ts";
import { MountCache, type Mounting } from "./mount-cache.ts";

let clock: VirtualClock;
let cache: MountCache;
let events: string[];

beforeEach(() => {
  clock = new VirtualClock();
  cache = new MountCache(clock);
  events = [];
});

const mounting = (name: string): Mounting => ({
  async mount() {
    events.push(`mount ${name}`);
  },
  async unmount() {
    events.push(`unmount ${name}`);
  },
});

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("two users share one mount, which stays until a minute after the last has released it", async () => {
  await Promise.all([cache.acquire("a", mounting("a")), cache.acquire("a", mounting("a"))]);
  cache.release("a");
  clock.advance(120_000);
  await settle();
  cache.release("a");
  clock.advance(59_999);
  await settle();
  expect(events).toEqual(["mount a"]);
  clock.advance(1);
  await settle();
  expect(events).toEqual(["mount a", "unmount a"]);
});

it("a mount that is acquired again within the minute is neither unmounted nor mounted", async () => {
  await cache.acquire("a", mounting("a"));
  cache.release("a");
  clock.advance(30_000);
  await cache.acquire("a", mounting("a"));
  clock.advance(120_000);
  await settle();
  expect(events).toEqual(["mount a"]);
});

it("a mount that is acquired while it is unmounted is mounted again afterwards", async () => {
  const unmounted = Promise.withResolvers<void>();
  const slow = { ...mounting("a"), unmount: () => unmounted.promise };
  await cache.acquire("a", slow);
  cache.release("a");
  clock.advance(60_000);
  const acquired = cache.acquire("a", slow);
  await settle();
  expect(events).toEqual(["mount a"]);
  unmounted.resolve();
  await acquired;
  expect(events).toEqual(["mount a", "mount a"]);
});

it("a failed mount rejects its users and is tried again for the next one", async () => {
  const failing = { ...mounting("a"), mount: () => Promise.reject(new Error("no loop device")) };
  await expect(cache.acquire("a", failing)).rejects.toThrow("no loop device");
  await cache.unmountUnused();
  await cache.acquire("a", mounting("a"));
  expect(events).toEqual(["mount a"]);
});

it("a mount that cannot be unmounted is used again without mounting it", async () => {
  const stuck = { ...mounting("a"), unmount: () => Promise.reject(new Error("busy")) };
  await cache.acquire("a", stuck);
  cache.release("a");
  await cache.unmountUnused();
  await cache.acquire("a", stuck);
  expect(events).toEqual(["mount a"]);
});

it("more than 64 unused mounts are not kept", async () => {
  const names = Array.from({ length: 65 }, (_, index) => `${index}`);
  for (const name of names) await cache.acquire(name, mounting(name));
  for (const name of names) cache.release(name);
  clock.advance(0);
  await settle();
  expect(events.slice(65)).toEqual(["unmount 64"]);
});

it("unmountUnused resolves when every unused mount is gone, and leaves used ones", async () => {
  for (const name of ["a", "b"]) await cache.acquire(name, mounting(name));
  cache.release("a");
  await cache.unmountUnused();
  expect(events).toEqual(["mount a", "mount b", "unmount a"]);
});

it("what is forgotten is unmounted at once, or when its last user has released it", async () => {
  for (const key of ["dev/a", "dev/b", "other/a"]) await cache.acquire(key, mounting(key));
  cache.release("dev/a");
  cache.release("other/a");
  let isGone = false;
  const forgotten = cache
    .forget((key) => key.startsWith("dev/"))
    .then(() => {
      isGone = true;
    });
  await settle();
  expect(events.slice(3)).toEqual(["unmount dev/a"]);
  expect(isGone).toBe(false);
  cache.release("dev/b");
  clock.advance(0);
  await settle();
  expect(events.slice(4)).toEqual(["unmount dev/b"]);
  await forgotten;
});
