import { type CallHandle, ignoredEvents, LeverError, PAYLOAD_JSON } from "@leveros/protocol";
import { expect, it } from "vitest";
import { PendingCall } from "./pending-call.ts";

/** A call that records what is done to it. */
function recordedCall(isWritable = true): { call: CallHandle; done: string[] } {
  const done: string[] = [];
  const call: CallHandle = {
    send: (_kind, bytes, isLast = false) => {
      done.push(`send ${bytes}${isLast ? " last" : ""}`);
      return isWritable;
    },
    end: () => done.push("end"),
    fail: () => done.push("fail"),
    abort: ({ code }) => done.push(`abort ${code}`),
    pause: () => done.push("pause"),
    resume: () => done.push("resume"),
  };
  return { call, done };
}

const bytes = (value: number): Uint8Array => new Uint8Array([value]);

it("what a caller does before the call is open is repeated in order", () => {
  const pending = new PendingCall(ignoredEvents);
  pending.pause();
  expect(pending.send(PAYLOAD_JSON, bytes(1))).toBe(false);
  expect(pending.send(PAYLOAD_JSON, bytes(2))).toBe(false);
  pending.end();
  const { call, done } = recordedCall();
  pending.begin(() => call);
  expect(done).toEqual(["pause", "send 1", "send 2", "end"]);
  pending.resume();
  expect(done.at(-1)).toBe("resume");
});

it.each([
  ["one drain follows stored messages when the call is writable", true, 1],
  ["no drain follows stored messages when the call is not writable", false, 0],
])("%s", (_name, isWritable, expected) => {
  let drains = 0;
  const pending = new PendingCall({ ...ignoredEvents, onDrain: () => drains++ });
  pending.send(PAYLOAD_JSON, bytes(1));
  pending.begin(() => recordedCall(isWritable).call);
  expect(drains).toBe(expected);
});

it("a call that was aborted while it was connecting is not opened", () => {
  const pending = new PendingCall(ignoredEvents);
  pending.abort(new LeverError("cancelled", "Enough."));
  let isOpened = false;
  pending.begin(() => {
    isOpened = true;
    return recordedCall().call;
  });
  expect(isOpened).toBe(false);
});

it("a call that cannot be opened is aborted with the reason, once", () => {
  const codes: string[] = [];
  const pending = new PendingCall({
    ...ignoredEvents,
    onAbort: ({ code }) => codes.push(code),
  });
  pending.begin(() => {
    throw new LeverError("malformed_request", "Too long.");
  });
  pending.refuse(new LeverError("unreachable", "Gone."));
  expect(codes).toEqual(["malformed_request"]);
});

it("an open call is passed everything directly", () => {
  const { call, done } = recordedCall();
  const pending = new PendingCall(ignoredEvents);
  pending.begin(() => call);
  pending.send(PAYLOAD_JSON, bytes(3), true);
  pending.abort(new LeverError("cancelled", "Enough."));
  expect(done).toEqual(["send 3 last", "abort cancelled"]);
});
