import { expect, it } from "vitest";
import { formatLimits } from "./format-limits.ts";

it("a limit that was set shows its default as well", () => {
  const limit = { name: "connectionsMax", default: 10_000, about: "HTTP connections at once." };
  expect(
    formatLimits([
      { ...limit, value: 10_000, setBy: "default" },
      { ...limit, value: 5, setBy: "lever up --limit" },
    ]),
  ).toBe(
    `LIMIT           VALUE  SET BY                            BOUNDS
connectionsMax  10000  default                           HTTP connections at once.
connectionsMax  5      lever up --limit (default 10000)  HTTP connections at once.`,
  );
});
