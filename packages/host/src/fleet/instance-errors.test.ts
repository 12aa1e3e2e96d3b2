import { expect, it } from "vitest";
import type { ProcessEnd } from "../processes/supervised-process.ts";
import { endError, type FailedInstance, startError } from "./instance-errors.ts";

const limits = { startTimeoutMs: 30_000, unresponsiveKillAfterMs: 30_000 };
const failed: FailedInstance = {
  service: "hello",
  version: 3,
  ram: 128,
  wasReady: true,
  wasStopped: false,
  lastOutput: "",
};
const exited = (status: number | undefined, signal?: string, limit?: string): ProcessEnd => ({
  cause: "exited",
  exit: { status, signal, ...(limit !== undefined && { limit }) },
});

it.each<[string, Partial<typeof failed>, ProcessEnd, string, string]>([
  [
    "loaded for too long",
    { wasReady: false },
    { cause: "startTimedOut" },
    "start_failed",
    "Cannot start hello version 3: It was still loading after 30000 ms.",
  ],
  [
    "reported what it waited for",
    { wasReady: false, waitedFor: "it does not listen" },
    { cause: "startTimedOut" },
    "start_failed",
    "Cannot start hello version 3: It was still loading after 30000 ms: it does not listen.",
  ],
  [
    "exited before it was ready",
    { wasReady: false },
    exited(70),
    "start_failed",
    "Cannot start hello version 3: The instance exited with status 70 before it was ready.",
  ],
  [
    "exited",
    {},
    exited(1),
    "instance_failed",
    "The instance of hello version 3 that had the call exited with status 1.",
  ],
  [
    "was killed",
    { lastOutput: "one\ntwo" },
    exited(undefined, "SIGKILL"),
    "instance_failed",
    "The instance of hello version 3 that had the call was ended by SIGKILL. Its last output:\none\ntwo",
  ],
  [
    "exceeded a limit",
    {},
    exited(undefined, "SIGKILL", "was ended by its limit"),
    "instance_failed",
    "The instance of hello version 3 that had the call was ended by its limit.",
  ],
  [
    "was stopped",
    { wasStopped: true, lastOutput: "one" },
    exited(undefined, "SIGKILL"),
    "unavailable",
    "Cannot finish the call: the instance of hello version 3 that had it was stopped. Call again.",
  ],
  [
    "was stopped before it was ready",
    { wasStopped: true, wasReady: false },
    exited(undefined, "SIGKILL"),
    "unavailable",
    "Cannot start hello version 3: its instance was stopped before it was ready. Try again.",
  ],
  [
    "exceeded a limit while it stopped",
    { wasStopped: true },
    exited(undefined, "SIGKILL", "was ended by its limit"),
    "instance_failed",
    "The instance of hello version 3 that had the call was ended by its limit.",
  ],
  [
    "was unresponsive",
    {},
    { cause: "unresponsive" },
    "instance_failed",
    "The instance of hello version 3 that had the call did not answer for 30 s and was killed.",
  ],
])("the error of an instance that %s has the reason", (_, changes, end, code, message) => {
  expect(endError({ ...failed, ...changes }, end, limits)).toMatchObject({ code, message });
});

it("an instance with a full heap names its ram, unless a limit ended it", () => {
  const lastOutput = "FATAL ERROR: JavaScript heap out of memory";
  const heap = endError({ ...failed, lastOutput }, exited(undefined, "SIGABRT"), limits);
  expect(heap.message).toContain('the 128 MB that "ram" allots it');
  const limit = exited(undefined, "SIGABRT", "was ended by its limit");
  expect(endError({ ...failed, lastOutput }, limit, limits).message).toContain("by its limit");
});

it.each([
  [
    "SIGABRT",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    true,
  ],
  [
    "SIGSEGV",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    true,
  ],
  [
    "SIGTRAP",
    "FATAL ERROR: invalid table size Allocation failed - JavaScript heap out of memory",
    true,
  ],
  [
    "SIGKILL",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    false,
  ],
  ["SIGSEGV", "Segmentation fault", false],
])("an instance that %s ended after %j names its ram: %s", (signal, lastOutput, isNamed) => {
  const { message } = endError({ ...failed, lastOutput }, exited(undefined, signal), limits);
  expect(message.includes('the 128 MB that "ram" allots it')).toBe(isNamed);
});

it.each([
  ["It does not load", "It does not load."],
  ["Is it there?", "Is it there?"],
])("the reason %j ends with one full stop", (reason, sentence) => {
  expect(startError(failed, reason).message).toBe(`Cannot start hello version 3: ${sentence}`);
});

it.each([
  ["failed", endError({ ...failed, lastOutput: "secret" }, exited(1), limits)],
  ["could not start", startError({ ...failed, lastOutput: "secret" }, "It is broken")],
])("the error of an instance that %s has a message without its output", (_, error) => {
  expect(error.message).toBe(`${error.publicMessage} Its last output:\nsecret`);
});
