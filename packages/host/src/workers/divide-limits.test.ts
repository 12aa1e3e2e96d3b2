import { defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { divideLimits } from "./divide-limits.ts";

it("divides what a host may hold as a whole, and nothing else", () => {
  const { connectionsMax, bufferedBodyBytesMax, ...others } = divideLimits(defaultLimits, 3);
  expect(connectionsMax).toBe(Math.ceil(defaultLimits.connectionsMax / 3));
  expect(bufferedBodyBytesMax).toBe(Math.ceil(defaultLimits.bufferedBodyBytesMax / 3));
  expect(defaultLimits).toMatchObject(others);
});

it("leaves room for the largest body in each share", () => {
  const limits = { ...defaultLimits, bodyBytesMax: 1_000, bufferedBodyBytesMax: 1_500 };
  expect(divideLimits(limits, 2).bufferedBodyBytesMax).toBe(1_000);
});
