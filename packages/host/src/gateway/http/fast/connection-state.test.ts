import { defaultLimits, OUTSIDE } from "@leveros/protocol";
import { expect, it } from "vitest";
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
import { SizedBody } from "./incoming-body.ts";
import { KnownHeads } from "./known-heads.ts";

const limits = {
  ...defaultLimits,
  idleConnectionTimeoutMs: 3,
  headersTimeoutMs: 5,
  requestTimeoutMs: 7,
};

function requestOf(bodyBytes: number): FastRequest {
  const head = `POST /svc/method HTTP/1.1\r\nhost: dev.lever\r\ncontent-length: ${bodyBytes}\r\n\r\n`;
  const request = new HeadReader(limits, {}, new KnownHeads()).read(Buffer.from(head));
  if (typeof request === "string") throw new Error(request);
  return request;
}

function inBody(): BodyState {
  const request = requestOf(6);
  const { target } = request.head;
  const admitted = { caller: OUTSIDE, target, isStream: false, timeoutMs: 0 };
  return new BodyState(request, admitted, new SizedBody(6, newMemory));
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
