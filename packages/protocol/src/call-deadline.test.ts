import { expect, it } from "vitest";
import { callDeadline } from "./call-deadline.ts";

const limits = { callTimeoutMs: 60_000, callTimeoutMaxMs: 86_400_000 };

it.each([
  ["a regular call that asks for none has the default", 0, false, 60_000],
  ["a streaming call that asks for none has none", 0, true, 0],
  ["a regular call has the deadline that it asks for", 5, false, 5],
  ["a streaming call has the deadline that it asks for", 5, true, 5],
  ["a call that asks for more than the limit has the limit", 86_400_001, false, 86_400_000],
])("%s", (_name, askedMs, isStreaming, expected) => {
  const deadline = callDeadline({ askedMs, isStreaming }, limits);
  expect(deadline).toBe(expected);
  expect(callDeadline({ askedMs: deadline, isStreaming }, limits)).toBe(deadline);
});
