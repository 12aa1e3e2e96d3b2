import { LeverError } from "@leveros/protocol";
import { expect, it } from "vitest";
import {
  addFailure,
  addLostStart,
  addReady,
  asStartError,
  NO_FAILURES,
} from "./service-failures.ts";

const error = new LeverError("start_failed", "Cannot start.");
const bad = { now: 1_000, livedMs: 50, hasServed: false };

it("failures in a row delay the next start more and more", () => {
  const delays: number[] = [];
  let failures = NO_FAILURES;
  for (let i = 0; i < 4; i++) {
    failures = addFailure(failures, error, bad);
    delays.push(failures.startAllowedAt - bad.now);
  }
  expect(delays).toEqual([0, 250, 500, 1_000]);
  expect(failures).toMatchObject({ inARow: 4, error });
});

it.each([
  ["has answered a call", { ...bad, hasServed: true }],
  ["has lived for 10 s", { ...bad, livedMs: 10_000 }],
])("a failure of an instance that %s is the first in a row", (_, of) => {
  const failures = [1, 2, 3].reduce((before) => addFailure(before, error, bad), NO_FAILURES);
  expect(addFailure(failures, error, of)).toMatchObject({ inARow: 1, startAllowedAt: bad.now });
});

it("ten processes in a row that are lost before they run anything are no failures", () => {
  let failures: ReturnType<typeof addLostStart> = NO_FAILURES;
  for (let i = 0; i < 10 && failures !== undefined; i++) failures = addLostStart(failures);
  expect(failures).toMatchObject({ inARow: 0, startAllowedAt: 0, error: undefined });
  if (failures === undefined) return;
  expect(addLostStart(failures)).toBeUndefined();
  expect(addLostStart(addReady(failures))).toMatchObject({ lostInARow: 1 });
});

it("a failed preparation is a start error with its reason", () => {
  const of = { service: "hello", version: 3 };
  const cause = new Error("no space left on device");
  expect(asStartError(of, cause)).toMatchObject({
    code: "start_failed",
    message: "Cannot start hello version 3: no space left on device.",
    cause,
  });
  expect(asStartError(of, error)).toBe(error);
});

it.each([
  [
    Object.assign(new Error("ENOSPC: no space left on device, mkdir '/data/code'"), {
      code: "ENOSPC",
      errno: -28,
    }),
    "its code and data cannot be prepared, because the disk is full (ENOSPC)",
  ],
  [
    new Error("Cannot run mount: /data/code/ab: special device '/data/a b' does not exist."),
    "Cannot run mount: …: special device … does not exist",
  ],
  [new Error("rate 5/6 of https://x.example/y"), "rate 5/6 of https://x.example/y"],
  [
    new LeverError("unavailable", "Cannot read the secret a/b/C: no."),
    "Cannot read the secret a/b/C: no",
  ],
])("a failed preparation is told without paths of the host: %s", (cause, reason) => {
  expect(asStartError({ service: "hello", version: 3 }, cause)).toMatchObject({
    code: "start_failed",
    message: `Cannot start hello version 3: ${reason}.`,
  });
});
