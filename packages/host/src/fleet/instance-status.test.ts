import { expect, it } from "vitest";
import { instanceStatus } from "./instance-status.ts";

it.each([
  ["starting", false, false, "starting"],
  ["ready", false, false, "ready"],
  ["ready", false, true, "unresponsive"],
  ["ready", true, false, "draining"],
  ["ready", true, true, "draining"],
  ["stopping", true, true, "stopping"],
  ["exited", false, true, "exited"],
] as const)(
  "an instance that is %s (draining %s, unresponsive %s) is %s",
  (phase, isDraining, isUnresponsive, state) => {
    expect(instanceStatus({ phase, isDraining, isUnresponsive })).toBe(state);
  },
);
