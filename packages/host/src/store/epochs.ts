import { LeverError } from "@leveros/protocol";
import type { Store } from "./store.ts";

const NOTE = "epochs reserved";
/** Numbers that one write to the store makes usable. */
const BLOCK = 10_000;

/**
 * A source of numbers that only ever grow, over restarts too: they are reserved in blocks, before any of a block is
 * used, so that taking one waits for no disk. Those of a block that a crash cuts short are never used.
 */
export async function openEpochs(store: Store): Promise<() => number> {
  let next = Number((await store.readHostValue(NOTE)) ?? 0) + 1;
  let reserved = next - 1 + BLOCK;
  await store.writeHostValue(NOTE, String(reserved));
  let isReserving = false;
  const reserve = async (): Promise<void> => {
    isReserving = true;
    try {
      await store.writeHostValue(NOTE, String(reserved + BLOCK));
      reserved += BLOCK;
    } catch {
      // Tried again with the next number; when there is none left, taking one says so.
    }
    isReserving = false;
  };
  return () => {
    if (reserved - next < BLOCK / 2 && !isReserving) void reserve();
    if (next > reserved) {
      throw new LeverError("unavailable", "Cannot place the resource: the store takes no writes.", {
        retryAfterSeconds: 1,
      });
    }
    return next++;
  };
}
