import { expect, it } from "vitest";
import { ignoredEvents, OUTSIDE, PAYLOAD_JSON } from "../call.ts";
import { LeverError } from "../errors.ts";
import { Link } from "./link.ts";

const error = new LeverError("instance_failed", "It died.");
const target = { environment: "dev.lever", service: "svc", resource: "", method: "method" };
const regular = {
  caller: OUTSIDE,
  target,
  isStream: false,
  timeoutMs: 0,
  kind: PAYLOAD_JSON,
} as const;

type Step = "write" | "ping" | "peer is gone" | "peer is gone, reset";

/** Plays the steps on a link, and then closes it. Other texts are calls with that name. Returns how each call ends. */
function closed(steps: readonly (Step | (string & {}))[]): string[] {
  const endings: string[] = [];
  const link = new Link({
    side: "listener",
    messageBytesMax: 100_000,
    callsMax: 10,
    write: () => true,
    schedule() {},
    onCall: () => ignoredEvents,
    onControl() {},
  });
  const openCall = (name: string): void => {
    const events = {
      ...ignoredEvents,
      onAbort: () => endings.push(`${name} aborted`),
      ...(name !== "plain" && { onUnread: () => endings.push(`${name} unread`) }),
    };
    // A large body is a part of its own.
    const body = new Uint8Array(name.startsWith("large") ? 50_000 : 2);
    link.open({ ...regular, body }, events, false);
  };
  for (const step of steps) {
    if (step === "write") link.flush();
    else if (step === "ping") link.ping(() => {});
    else if (step === "peer is gone") link.disconnected(false);
    else if (step === "peer is gone, reset") link.disconnected(true);
    else openCall(step);
  }
  link.close(error);
  return endings.sort();
}

it.each<[string, Parameters<typeof closed>[0], string[]]>([
  [
    "those of the last write, if the link was reset",
    ["a", "write", "b", "c", "write", "peer is gone, reset"],
    ["a aborted", "b unread", "c unread"],
  ],
  [
    "none before the last write, whatever that was",
    ["a", "write", "ping", "write", "peer is gone, reset"],
    ["a aborted"],
  ],
  [
    "only the last one of a write in several parts",
    ["a", "large", "b", "large b", "write", "peer is gone, reset"],
    ["a aborted", "b aborted", "large aborted", "large b unread"],
  ],
  [
    "those that came after everything that the peer had read",
    ["a", "write", "b", "peer is gone", "c", "write", "d"],
    ["a aborted", "b unread", "c unread", "d unread"],
  ],
  ["those that were not written", ["a", "write", "b"], ["a aborted", "b unread"]],
  [
    "none whose listener makes no difference",
    ["plain", "write", "peer is gone, reset"],
    ["plain aborted"],
  ],
])("calls that the peer has not read for certain are %s", (_which, steps, endings) => {
  expect(closed(steps)).toEqual(endings);
});
