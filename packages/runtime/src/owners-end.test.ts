import {
  type CallListener,
  type CallRequest,
  ignoredEvents,
  LeverError,
  type LinkedSide,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OwnersEnd } from "./owners-end.ts";
import type { AnsweringSide } from "./running-call.ts";

let bootMs: number;
let ended: number;
let owners: OwnersEnd;
/** Functions of the service, and messages to the host. */
let got: string[];
/** The sides of its calls. */
let sides: AnsweringSide[];

const body = new Uint8Array();
const request: CallRequest = {
  caller: OUTSIDE,
  target: { environment: "dev.lever", service: "svc", resource: "r", method: "m" },
  isStream: false,
  timeoutMs: 0,
  kind: PAYLOAD_JSON,
  body,
};
/** The link. It is never full. */
const side: LinkedSide = {
  id: 2,
  send: () => got.push("send") > 0,
  end: () => void got.push("end"),
  fail: () => void got.push("fail"),
  abort: ({ code }) => void got.push(`abort ${code}`),
  pause: () => void got.push("pause"),
  resume: () => void got.push("resume"),
  sendAssigned() {},
};
const service = {
  onCall(_request: CallRequest, guarded: AnsweringSide): CallListener {
    got.push("begin");
    sides.push(guarded);
    return {
      ...ignoredEvents,
      onMessage: () => void got.push("message"),
      onEnd: () => void got.push("half-close"),
      onAbort: () => void got.push("cancelled"),
      onDrain: () => void got.push("drain"),
    };
  },
};
const call = (): CallListener => owners.serve(request, side, service);

function pass(ms: number): void {
  for (let at = 0; at < ms; at += 10) {
    bootMs += 10;
    vi.advanceTimersByTime(10);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate"] });
  [bootMs, ended, got, sides] = [1_000, 0, [], []];
  owners = new OwnersEnd({ bootMs: () => bootMs, endProcess: () => void ended++ });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("N4: an instance that owns resources", () => {
  it("ends when its lease is not renewed", () => {
    owners.set(5_000);
    pass(4_000);
    expect(ended).toBe(0);
    pass(300);
    expect(ended).toBe(1);
  });

  it("goes on when it is renewed, or owns nothing any more", () => {
    owners.set(5_000);
    pass(3_000);
    owners.set(8_000);
    pass(3_000);
    owners.set(null);
    pass(60_000);
    expect(ended).toBe(0);
  });

  it("ends soon after its machine has slept past the end", () => {
    owners.set(60_000);
    bootMs += 100_000;
    pass(1_300);
    expect(ended).toBe(1);
  });

  it("reads a renewal that came while a function blocked it", () => {
    owners.set(5_000);
    call();
    bootMs = 20_000;
    sides[0]?.send(PAYLOAD_JSON, body, true);
    expect(got).toEqual(["begin"]);
    // The timer comes before what has arrived.
    vi.advanceTimersByTime(1);
    owners.set(28_000);
    pass(1_000);
    expect([got, ended]).toEqual([["begin", "send", "drain"], 0]);
  });

  it("reads a renewal that arrives in the last moment", () => {
    owners.set(1_200);
    pass(200);
    // The time for news is over, and what has arrived is read next.
    vi.advanceTimersToNextTimer();
    owners.set(9_000);
    pass(1_000);
    expect(ended).toBe(0);
  });

  it("begins no function and writes nothing past the end", () => {
    owners.set(2_000);
    call();
    pass(1_000);
    sides[0]?.send(PAYLOAD_JSON, body, true);
    sides[0]?.fail(PAYLOAD_JSON, body);
    sides[0]?.abort(new LeverError("unavailable", "The test ends it."));
    sides[0]?.end();
    call();
    pass(300);
    expect([got, ended]).toEqual([["begin"], 1]);
  });

  it("does what has waited in order when it is renewed", () => {
    owners.set(1_000);
    const listener = call();
    listener.onMessage(PAYLOAD_JSON, body);
    listener.onEnd();
    listener.onAbort(new LeverError("cancelled", "The caller has left."));
    expect(got).toEqual([]);
    owners.set(2_000);
    expect(got).toEqual(["begin", "message", "half-close", "cancelled"]);
    sides[0]?.send(PAYLOAD_JSON, body);
    expect(got.at(-1)).toBe("send");
  });

  it("passes calls on without a look at the time while it owns nothing", () => {
    owners.set(null);
    bootMs = Number.MAX_SAFE_INTEGER;
    call();
    sides[0]?.send(PAYLOAD_JSON, body, true);
    sides[0]?.pause();
    sides[0]?.resume();
    expect(got).toEqual(["begin", "send", "pause", "resume"]);
  });
});
