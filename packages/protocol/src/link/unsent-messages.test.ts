import { expect, it } from "vitest";
import {
  type CallHandle,
  type CallRequest,
  ignoredEvents,
  OUTSIDE,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
} from "../call.ts";
import { LeverError } from "../errors.ts";
import { Link } from "./link.ts";

const MESSAGE_BYTES = 1_000_000;
const refusal = new LeverError("overloaded", "Cannot send more.");
const target = { environment: "dev.lever", service: "svc", resource: "", method: "method" };
const request: CallRequest = {
  caller: OUTSIDE,
  target,
  isStream: false,
  timeoutMs: 0,
  kind: PAYLOAD_JSON,
  body: new Uint8Array(2),
};

/** Two ends in memory. The caller's end reads only when it is told to. */
function twoEnds(unsentMax: number) {
  let unsent = 0;
  const waiting: Uint8Array[] = [];
  const sides: CallHandle[] = [];
  const endings: string[] = [];
  const scheduled: (() => void)[] = [];
  const options = {
    messageBytesMax: MESSAGE_BYTES,
    callsMax: 10,
    schedule: (flush: () => void) => void scheduled.push(flush),
    onControl() {},
  };
  const host: Link = new Link({
    ...options,
    side: "listener",
    write: (parts) => waiting.push(...parts.map((part) => part.slice())) > 0,
    onCall: (_request, side) => {
      sides.push(side);
      return { ...ignoredEvents, onAbort: ({ code }) => endings.push(code) };
    },
    countUnsent(bytes) {
      if (unsent + bytes > unsentMax) return refusal;
      unsent += bytes;
      return undefined;
    },
  });
  const caller: Link = new Link({
    ...options,
    side: "dialler",
    write(parts) {
      for (const part of parts) host.receive(part);
      return true;
    },
    onCall: () => ignoredEvents,
  });
  const run = (): void => {
    while (scheduled.length > 0) for (const flush of scheduled.splice(0)) flush();
  };
  return {
    host,
    endings,
    unsent: () => unsent,
    /** Calls the host's end, and returns the side that answers. */
    call(): CallHandle {
      caller.open(request, ignoredEvents, false);
      run();
      const side = sides.at(-1);
      if (side === undefined) throw new Error("No call has arrived.");
      return side;
    },
    run,
    read() {
      for (run(); waiting.length > 0; run()) {
        for (const part of waiting.splice(0)) caller.receive(part);
      }
    },
  };
}

it("replies that the peer does not read count until it has read them", () => {
  const ends = twoEnds(MESSAGE_BYTES);
  ends.call().send(PAYLOAD_BYTES, new Uint8Array(MESSAGE_BYTES), true);
  ends.run();
  expect(ends.unsent()).toBeGreaterThan(MESSAGE_BYTES / 2);
  ends.read();
  expect(ends.unsent()).toBe(0);
});

it("a reply without memory ends its call, and the others go on", () => {
  const ends = twoEnds(MESSAGE_BYTES);
  const [first, second] = [ends.call(), ends.call()];
  first.send(PAYLOAD_BYTES, new Uint8Array(MESSAGE_BYTES), true);
  second.send(PAYLOAD_BYTES, new Uint8Array(MESSAGE_BYTES), true);
  expect(ends.endings).toEqual(["overloaded"]);
  ends.read();
  expect([ends.unsent(), ends.host.callsOpen]).toEqual([0, 0]);
});

it("the replies of a link that closes count no more", () => {
  const ends = twoEnds(MESSAGE_BYTES);
  ends.call().send(PAYLOAD_BYTES, new Uint8Array(MESSAGE_BYTES), true);
  ends.host.close(refusal);
  expect(ends.unsent()).toBe(0);
});
