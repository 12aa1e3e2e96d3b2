import { expect, it } from "vitest";
import { containerExit } from "./container-exit.ts";

it.each<[number | null, string | null, number | undefined, string | undefined]>([
  [0, null, 0, undefined],
  [70, null, 70, undefined],
  [128, null, 128, undefined],
  [128 + 9, null, undefined, "SIGKILL"],
  [128 + 15, null, undefined, "SIGTERM"],
  // There is no signal with this number.
  [255, null, 255, undefined],
  [null, "SIGKILL", undefined, "SIGKILL"],
])(
  "status %s and signal %s of the container runtime mean status %s and signal %s",
  (status, name, exitStatus, signal) => {
    expect(containerExit(status, name)).toEqual({ status: exitStatus, signal });
  },
);
