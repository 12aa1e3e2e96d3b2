import { defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { shareLimits } from "./divide-limits.ts";

it("divides what a host may hold as a whole, and nothing else", () => {
  const { connectionsMax, bodiesBytesMax, ...others } = shareLimits(defaultLimits, 3);
  expect(connectionsMax).toBe(Math.ceil(defaultLimits.connectionsMax / 3));
  expect(bodiesBytesMax).toBe(Math.ceil(defaultLimits.bodiesBytesMax / 3));
  expect(defaultLimits).toMatchObject(others);
});

it("leaves room for the largest body in each share", () => {
  const limits = { ...defaultLimits, bodyBytesMax: 1_000, bodiesBytesMax: 1_500 };
  expect(shareLimits(limits, 2).bodiesBytesMax).toBe(1_000);
});
