import type { Clock } from "../clock.ts";
import { adminStream, type Methods } from "./method-table.ts";
import { readWatchRequest } from "./watch-request.ts";
import { type Reader, WatchedMethods } from "./watched-methods.ts";

/** Time between two looks at the methods that are due. */
const LOOK_MS = 250;

export interface WatchParts {
  /** undefined = there is no such method, or it may not be watched. */
  readonly reader: (method: string) => Reader | undefined;
  readonly clock: Clock;
}

/** The method that runs others again and again: everything that a page shows comes over one connection. */
export const watchMethods: Methods<WatchParts, "watchChan"> = {
  watchChan: adminStream(
    {
      // Each method that it runs checks its own right.
      right: "any",
      isChange: false,
      arguments: [],
      does: "Runs methods that change nothing every second, and sends each reply that differs from the last; its messages name the methods.",
    },
    async (parts, stream) => {
      const watched = new WatchedMethods({ ...parts, send: (message) => stream.write(message) });
      // A slow reader gets the newest values when it has read the earlier ones.
      const end = repeat(parts.clock, () => watched.look(!stream.writableNeedDrain));
      try {
        // A loop, so that all of it runs for the call's principal.
        for await (const message of stream) watched.see(readWatchRequest(message));
      } finally {
        end();
        watched.see([]);
      }
    },
  ),
};

/** Returns a function that ends it. */
function repeat(clock: Clock, look: () => void): () => void {
  let timer: unknown;
  const next = (): void => {
    timer = clock.setTimeout(next, LOOK_MS);
    look();
  };
  next();
  return () => clock.clearTimeout(timer);
}
