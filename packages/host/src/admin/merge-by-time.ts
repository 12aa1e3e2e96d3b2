import type { HostMissing } from "@leveros/protocol";
import type { StreamMerge } from "./method-table.ts";
import type { HostStream } from "./open-all.ts";
import { TimeOrder } from "./time-order.ts";

/** Time between two looks at messages that may be sent. */
const LOOK_MS = 50;
/** With more messages that wait for the caller, the hosts wait. */
const HELD_MAX = 2_000;

/** Sends the messages of all hosts, with the names of these, in the order of their times. */
export function mergeByTime(
  /** When something happened, in milliseconds since 1970; undefined = the message has no time. */
  timeOf: (message: Readonly<Record<string, unknown>>) => number | undefined,
): StreamMerge {
  return async (streams, { stream, clock }) => {
    const order = new TimeOrder<object>();
    const open = new Set<HostStream>();
    let timer: unknown;
    let hasMessages = false;
    const over = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        // A slow reader gets them when it has read the earlier ones.
        if (!stream.writableNeedDrain) {
          for (const message of order.take(clock.now())) stream.write(message);
        }
        if (order.size < HELD_MAX) for (const one of open) one.resume();
        if (open.size === 0 && order.size === 0) resolve();
        else timer = clock.setTimeout(look, LOOK_MS);
      };
      for (const from of streams) {
        const { host } = from;
        let lastAt = 0;
        open.add(from);
        const add = (message: object): void => {
          order.add(message, { at: lastAt, now: clock.now() });
          if (order.size >= HELD_MAX) for (const one of open) one.pause();
        };
        from.on("data", (message: Readonly<Record<string, unknown>>) => {
          hasMessages = true;
          lastAt = timeOf(message) ?? lastAt;
          add({ ...message, host });
        });
        from.on("end", () => {
          open.delete(from);
          const { endedBecause: reason, failure } = from;
          // As if one host had refused it.
          if (failure !== undefined && open.size === 0 && !hasMessages) reject(failure);
          if (reason !== undefined) add({ missing: { host, reason } } satisfies HostMissing);
        });
      }
      look();
      stream.resume();
      stream.once("end", resolve).once("close", resolve);
    });
    try {
      await over;
    } finally {
      clock.clearTimeout(timer);
      for (const one of streams) one.destroy();
    }
  };
}

/** The time of an event or a record. */
export function happenedAt({ at }: Readonly<Record<string, unknown>>): number | undefined {
  const time = typeof at === "string" ? Date.parse(at) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** The end of a call. */
export function endedAt(message: Readonly<Record<string, unknown>>): number | undefined {
  const { ms } = message;
  const at = happenedAt(message);
  return at === undefined || typeof ms !== "number" ? at : at + ms;
}
