import { expect, it } from "vitest";
import { ignoredEvents, OUTSIDE, PAYLOAD_JSON } from "../call.ts";
import { LeverError } from "../errors.ts";
import { Link } from "./link.ts";

const error = new LeverError("instance_failed", "It died.");

/** A link with one call for each name, written one after the other. Returns how each ends when the link closes. */
function closed(names: readonly string[], wasReset: boolean, isWritten = true): string[] {
  const endings: string[] = [];
  const link = new Link({
    side: "host",
    messageBytesMax: 1_000,
    callsMax: 10,
    write: () => true,
    schedule() {},
    onCall: () => ignoredEvents,
    onControl() {},
  });
  const target = { environment: "dev.lever", service: "svc", resource: "", method: "method" };
  const call = {
    caller: OUTSIDE,
    target,
    isStream: false,
    timeoutMs: 0,
    kind: PAYLOAD_JSON,
  } as const;
  for (const name of names) {
    const events = {
      ...ignoredEvents,
      onAbort: () => endings.push(`${name} aborted`),
      ...(name !== "plain" && { onUnread: () => endings.push(`${name} unread`) }),
    };
    link.open({ ...call, body: new Uint8Array(2) }, events, false);
    if (isWritten) link.flush();
  }
  link.close(error, wasReset);
  return endings.sort();
}

it("of the calls of a link that was reset, those of the last write are unread", () => {
  expect(closed(["first", "last"], true)).toEqual(["first aborted", "last unread"]);
});

it("no call of a link that was closed in order is unread", () => {
  expect(closed(["first", "last"], false)).toEqual(["first aborted", "last aborted"]);
});

it("an unread call is aborted if its listener makes no difference", () => {
  expect(closed(["plain"], true)).toEqual(["plain aborted"]);
});

it.each([true, false])("a call that was not written is unread (reset: %s)", (wasReset) => {
  expect(closed(["first", "last"], wasReset, false)).toEqual(["first unread", "last unread"]);
});
