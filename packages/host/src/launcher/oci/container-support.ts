import { existsSync } from "node:fs";
import { findProgram } from "../../processes/find-program.ts";
import type { CgroupVersion } from "./cgroup-values.ts";
import { cgroupsMissing, cgroupVersion } from "./cgroups.ts";
import { findPlugins } from "./container-network.ts";

/** The machine's support for containers, except for tools on its path. */
export interface ContainerSupport {
  readonly cgroups: { readonly version: CgroupVersion } | { readonly missing: string };
  /** Path of the container runtime; undefined = not installed. */
  readonly runtime: string | undefined;
  /** Folder of the CNI plugins; undefined = at least one of them is not installed. */
  readonly plugins: string | undefined;
  readonly hasLoopDevices: boolean;
}

/** Looks at this machine without changing it. */
export function findContainerSupport(): ContainerSupport {
  const missing = process.platform === "linux" ? cgroupsMissing() : "there are none";
  return {
    cgroups: missing === undefined ? { version: cgroupVersion() } : { missing },
    runtime: findRuntime(),
    plugins: findPlugins(),
    hasLoopDevices: existsSync("/dev/loop-control"),
  };
}

/** crun starts faster and uses less memory than runc, but supports version 2 of control groups only. */
function findRuntime(): string | undefined {
  return (cgroupVersion() === 2 ? findProgram("crun") : undefined) ?? findProgram("runc");
}
