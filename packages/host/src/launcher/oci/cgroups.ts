import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, delay } from "../../clock.ts";
import { type CgroupVersion, controllers } from "./cgroup-values.ts";

/** Where the control groups of the machine are mounted. */
export const CGROUPS = "/sys/fs/cgroup";

/** Only version 2 has a list of controllers at its root (cgroups(7)). */
export const cgroupVersion = (): CgroupVersion =>
  existsSync(join(CGROUPS, "cgroup.controllers")) ? 2 : 1;

/** Why control groups cannot limit containers here; undefined when they can. */
export function cgroupsMissing(): string | undefined {
  const available =
    cgroupVersion() === 2
      ? readFileSync(join(CGROUPS, "cgroup.controllers"), "utf8").trim().split(" ")
      : controllers.filter((name) => existsSync(join(CGROUPS, name, "tasks")));
  const missing = controllers.filter((name) => !available.includes(name));
  return missing.length === 0 ? undefined : `control groups lack ${missing.join(", ")}`;
}

/** How long killed processes may take to exit, and how often Lever checks. */
const EXIT_TIMEOUT_MS = 5_000;
const CHECK_EVERY_MS = 10;

/**
 * Kills everything in a group and removes it with all groups below.
 * @throws Error when a process in it does not exit within 5 s.
 */
export async function removeCgroups(path: string, clock: Clock): Promise<void> {
  const trees =
    cgroupVersion() === 2 ? [CGROUPS] : readdirSync(CGROUPS).map((name) => join(CGROUPS, name));
  const remaining = (): string[] => trees.map((tree) => join(tree, path)).filter(existsSync);
  for (let waitedMs = 0; ; waitedMs += CHECK_EVERY_MS) {
    for (const dir of remaining()) tryRemoveTree(dir);
    if (remaining().length === 0) return;
    if (waitedMs >= EXIT_TIMEOUT_MS) throw new Error(`The control group ${path} is still in use.`);
    await delay(clock, CHECK_EVERY_MS);
  }
}

/** Fails without an error when a process is still exiting, or when the container runtime removes the same group. */
function tryRemoveTree(dir: string): void {
  try {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) tryRemoveTree(join(dir, entry.name));
    }
    for (const pid of readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n")) {
      if (Number(pid) > 1) process.kill(Number(pid), "SIGKILL");
    }
    rmdirSync(dir);
  } catch {
    // The caller checks again.
  }
}
