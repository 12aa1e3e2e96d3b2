import { defaultLimits, OUTSIDE } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { newMemory } from "../../new-memory.ts";
import {
  BodyState,
  CLOSED,
  callerTimeoutMs,
  type HeadState,
  IDLE,
  IN_HEAD,
  timeoutError,
} from "./connection-state.ts";
import { type FastRequest, HeadReader } from "./head-reader.ts";

const limits = {
  ...defaultLimits,
  idleConnectionTimeoutMs: 3,
  headersTimeoutMs: 5,
  requestTimeoutMs: 7,
};

function requestOf(bodyBytes: number): FastRequest {
  const head = `POST /svc/method HTTP/1.1\r\nhost: dev.lever\r\ncontent-length: ${bodyBytes}\r\n\r\n`;
  const request = new HeadReader(limits, {}).read(Buffer.from(head));
  if (typeof request === "string") throw new Error(request);
  return request;
}

function inBody(): BodyState {
  const request = requestOf(6);
  const { target } = request.head;
  const admitted = { caller: OUTSIDE, target, isStream: false, timeoutMs: 0 };
  return new BodyState(request, admitted, newMemory);
}

it.each<[string, () => HeadState | BodyState, number, string | undefined]>([
  ["between requests", () => IDLE, 3, undefined],
  ["within a head", () => IN_HEAD, 5, "it did not arrive within its time"],
  ["within a body", inBody, 7, "its body did not arrive within 7 ms"],
])("%s the caller has its time, and then gets its error", (_name, state, timeoutMs, text) => {
  expect(callerTimeoutMs(state(), limits)).toBe(timeoutMs);
  const message = timeoutError(state(), limits)?.message;
  if (text === undefined) expect(message).toBeUndefined();
  else expect(message).toContain(text);
});

it("a state has the fields of its own phase only", () => {
  expect(Object.keys(IDLE)).toEqual(["phase", "isBegun"]);
  expect(Object.keys(CLOSED)).toEqual(["phase"]);
});

describe("BodyState", () => {
  it("a body in pieces is complete with its last byte", () => {
    const state = inBody();
    expect(state.receive(Buffer.from("abc"))).toBe(3);
    expect(state.isComplete).toBe(false);
    expect(state.receive(Buffer.from("def"))).toBe(3);
    expect(state.isComplete).toBe(true);
    expect(state.arriving.body.toString()).toBe("abcdef");
  });

  it("a body in pieces takes no byte of the next request", () => {
    const state = inBody();
    state.receive(Buffer.from("abcd"));
    expect(state.receive(Buffer.from("efPOST"))).toBe(2);
    expect(state.receive(Buffer.from("POST"))).toBe(0);
    expect(state.arriving.body.toString()).toBe("abcdef");
  });

  it("a body in pieces may begin without a byte", () => {
    const state = inBody();
    expect(state.receive(Buffer.alloc(0))).toBe(0);
    expect(state.isComplete).toBe(false);
  });
});
