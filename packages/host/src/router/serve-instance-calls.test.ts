import {
  type CallRequest,
  closedSide,
  defaultLimits,
  ignoredEvents,
  LeverError,
  type LinkedSide,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { beforeEach, expect, it } from "vitest";
import { serveInstanceCalls } from "./serve-instance-calls.ts";

const side: LinkedSide = { ...closedSide, id: 2, sendAssigned() {} };
const made: CallRequest[] = [];
const aborted: LeverError[] = [];

const serve = serveInstanceCalls({
  target: {
    open(request, listener) {
      made.push(request);
      listener.onAssigned?.({ waitMs: 5, start: undefined });
      return { ...closedSide, abort: (error) => aborted.push(error) };
    },
  },
  limits: defaultLimits,
  log() {},
});
const self = { environment: "dev.lever", service: "front" };
const request: CallRequest = {
  caller: OUTSIDE,
  target: { environment: "other.lever", service: "back", resource: "", method: "m" },
  isStream: false,
  timeoutMs: 0,
  kind: PAYLOAD_JSON,
  body: new Uint8Array(),
};

beforeEach(() => {
  made.length = 0;
  aborted.length = 0;
});

it("the caller of an instance's call is the service of its link, whatever the request says", () => {
  serve(self, { ...request, caller: { kind: "admin", principal: "local" } }, side);
  expect(made[0]?.caller).toEqual({ kind: "service", ...self });
});

it("a call without an environment goes to the instance's own", () => {
  serve(self, { ...request, target: { ...request.target, environment: "" } }, side);
  serve(self, request, side);
  expect(made.map(({ target }) => target.environment)).toEqual(["dev.lever", "other.lever"]);
});

it("a regular call without a deadline gets the default, and a stream gets none", () => {
  serve(self, request, side);
  serve(self, { ...request, isStream: true }, side);
  serve(self, { ...request, timeoutMs: 7 }, side);
  expect(made.map(({ timeoutMs }) => timeoutMs)).toEqual([defaultLimits.callTimeoutMs, 0, 7]);
});

it("the error of an instance that cancels is not passed on", () => {
  const error = new LeverError("too_large", "Anything.");
  serve(self, request, side).onAbort(error);
  expect(aborted.map(({ code }) => code)).toEqual(["cancelled"]);
});

it("an instance does not learn how long its call waited", () => {
  const sent: unknown[] = [];
  serve(self, request, { ...side, sendAssigned: (waitTimes) => sent.push(waitTimes) });
  expect(sent).toEqual([]);
});

it("a fault of the router ends one call, and its text is logged and not sent", () => {
  const logged: unknown[] = [];
  const broken = serveInstanceCalls({
    target: {
      open() {
        throw new Error("secret");
      },
    },
    limits: defaultLimits,
    log: (_level, part, event) => logged.push([part, event]),
  });
  const errors: LeverError[] = [];
  const listener = broken(self, request, { ...side, abort: (error) => errors.push(error) });
  expect(listener).toBe(ignoredEvents);
  expect(errors.map(({ code }) => code)).toEqual(["internal"]);
  expect(errors[0]?.message).not.toContain("secret");
  expect(logged).toEqual([["router", "request failed"]]);
});
