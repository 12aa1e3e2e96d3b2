import { expect, it } from "vitest";
import { instanceStatus } from "./instance-status.ts";

it.each([
  ["starting", false, "starting"],
  ["ready", false, "ready"],
  ["ready", true, "unresponsive"],
  ["draining", false, "draining"],
  ["draining", true, "draining"],
  ["stopping", true, "stopping"],
  ["exited", true, "exited"],
] as const)(
  "an instance in phase %s (unresponsive %s) is shown as %s",
  (phase, isUnresponsive, state) => {
    expect(instanceStatus({ phase, isUnresponsive })).toBe(state);
  },
);
