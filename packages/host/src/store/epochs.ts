import { LeverError } from "@leveros/protocol";
import type { HostNotes } from "./host-notes.ts";

/** The note with the last reserved epoch. */
export const EPOCHS_RESERVED = "epochs reserved";
/** Epochs that one note reserves. */
const BLOCK = 10_000;

/**
 * Opens a source of epochs: numbers that only increase, also over restarts. They are reserved in blocks before the first of a
 * block is used, so that the next epoch never waits for the disk. A crash skips the rest of its block.
 */
export async function openEpochs(notes: Pick<HostNotes, "read" | "write">): Promise<() => number> {
  let next = Number((await notes.read(EPOCHS_RESERVED)) ?? 0) + 1;
  let reserved = next - 1 + BLOCK;
  await notes.write(EPOCHS_RESERVED, String(reserved));
  let isReserving = false;
  const reserve = async (): Promise<void> => {
    isReserving = true;
    try {
      await notes.write(EPOCHS_RESERVED, String(reserved + BLOCK));
      reserved += BLOCK;
    } catch {
      // The next epoch tries again; the one after the last reserved one throws.
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
