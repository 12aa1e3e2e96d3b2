import { defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { divideLimits } from "./divide-limits.ts";

it("connections, buffered bytes and sampled calls are divided, and no other limit", () => {
  const {
    connectionsMax,
    bufferedBodyBytesMax,
    bufferedReplyBytesMax,
    traceSampledPerSecondMax,
    ...others
  } = divideLimits(defaultLimits, 3);
  expect(connectionsMax).toBe(Math.ceil(defaultLimits.connectionsMax / 3));
  expect(bufferedBodyBytesMax).toBe(Math.ceil(defaultLimits.bufferedBodyBytesMax / 3));
  expect(bufferedReplyBytesMax).toBe(Math.ceil(defaultLimits.bufferedReplyBytesMax / 3));
  expect(traceSampledPerSecondMax).toBe(34);
  expect(defaultLimits).toMatchObject(others);
});

it("each share holds the largest body", () => {
  const limits = { ...defaultLimits, bodyBytesMax: 1_000, bufferedBodyBytesMax: 1_500 };
  expect(divideLimits(limits, 2).bufferedBodyBytesMax).toBe(1_000);
});
