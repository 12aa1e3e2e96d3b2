import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { LeverError, type Limits } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import { findProgram } from "../processes/find-program.ts";
import type { ProcessRecords } from "../processes/process-records.ts";
import type { Launcher } from "./launcher.ts";
import { cgroupsMissing, hasCgroups2 } from "./oci/cgroups.ts";
import { findPlugins } from "./oci/container-network.ts";
import { openOciLauncher } from "./oci/oci-launcher.ts";
import { openProcessLauncher } from "./process/process-launcher.ts";
import { type HostValues, usersMissing } from "./process/service-users.ts";

/** How instances are kept apart: `auto` is the strongest that works here. */
export const isolations = ["auto", "oci", "process"] as const;
export type Isolation = (typeof isolations)[number];

/** One thing that containers need. */
export interface Requirement {
  readonly what: string;
  /** Where it was found, or how it is. */
  readonly found?: string;
  /** What to do when it was not found. */
  readonly remedy?: string;
}

/** What services have as processes on this machine with this data folder; changes nothing. */
export function checkProcessIsolation(dataDir: string): Requirement[] {
  const missing = usersMissing(resolve(dataDir));
  return [
    missing === undefined
      ? { what: "own users", found: "each service runs as a user of its own" }
      : { what: "own users", remedy: `All services run as Lever's user: ${missing}.` },
    process.platform === "linux"
      ? { what: "memory", found: "an instance that needs more than its ram is ended" }
      : { what: "memory", remedy: "Only on Linux are instances held to their ram." },
    tool("setpriv", "util-linux"),
    tool("prlimit", "util-linux"),
  ];
}

/** Looks for all that containers need on this machine; changes nothing. */
export function findRequirements(): Requirement[] {
  const isLinux = process.platform === "linux";
  const cgroups = isLinux ? cgroupsMissing() : "there are none";
  const runtime = findRuntime();
  const plugins = findPlugins();
  return [
    isLinux
      ? { what: "Linux", found: process.arch }
      : {
          what: "Linux",
          remedy: "Containers need Linux: run Lever there, or in a virtual machine.",
        },
    process.getuid?.() === 0
      ? { what: "root", found: "running as root" }
      : {
          what: "root",
          remedy: "Start Lever as root (sudo): only root may make networks and limits.",
        },
    cgroups === undefined
      ? { what: "control groups", found: hasCgroups2() ? "version 2" : "version 1" }
      : { what: "control groups", remedy: `Mount them with all controllers: ${cgroups}.` },
    requirement("container runtime", runtime, "Install one: apt-get install runc"),
    requirement(
      "CNI plugins",
      plugins,
      "Install them: apt-get install containernetworking-plugins",
    ),
    tool("nft", "nftables"),
    tool("ip", "iproute2"),
    tool("tc", "iproute2"),
    tool("mount", "mount"),
    tool("mkfs.ext4", "e2fsprogs"),
    requirement(
      "loop devices",
      existsSync("/dev/loop-control") ? "/dev/loop-control" : undefined,
      "Load them: modprobe loop",
    ),
    tool("nsenter", "util-linux"),
  ];
}

function requirement(what: string, found: string | undefined, remedy: string): Requirement {
  return found === undefined ? { what, remedy } : { what, found };
}

const tool = (name: string, of: string): Requirement =>
  requirement(name, findProgram(name), `Install it: apt-get install ${of}`);

/** crun starts faster and stays smaller, but takes version 2 of control groups alone. */
function findRuntime(): string | undefined {
  return (hasCgroups2() ? findProgram("crun") : undefined) ?? findProgram("runc");
}

export interface OpenedLauncher {
  readonly isolation: "oci" | "process";
  /** Why it is not a stronger one. */
  readonly why?: string;
  /** Why services have no users of their own, where instances are processes. */
  readonly sharedUserReason?: string;
  readonly launcher: Launcher;
  close(): Promise<void>;
}

export interface IsolationOptions {
  readonly isolation: Isolation;
  readonly dataDir: string;
  readonly limits: Limits;
  readonly ledger: ProcessRecords;
  readonly hostValues: HostValues;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Opens what was asked for, or what is strongest. What works is known by trying: a container is started and asked.
 * @throws LeverError `unavailable` when containers were asked for and do not work: never something weaker instead.
 */
export async function openLauncher(options: IsolationOptions): Promise<OpenedLauncher> {
  const { isolation } = options;
  let why: string | undefined;
  if (isolation !== "process") {
    const opened = await tryContainers(options);
    if (typeof opened !== "string") return opened;
    why = opened;
    if (isolation === "oci") {
      throw new LeverError(
        "unavailable",
        `Cannot run instances in containers: ${why} "lever doctor" says what is needed.`,
      );
    }
  }
  const launcher = await openProcessLauncher(options);
  const { sharedUserReason } = launcher;
  const about = { ...(why && { why }), ...(sharedUserReason && { sharedUserReason }) };
  return { isolation: "process", ...about, launcher, close: async () => {} };
}

/** Resolves to a sentence when containers do not work here. */
async function tryContainers({
  dataDir,
  limits,
  log,
}: IsolationOptions): Promise<OpenedLauncher | string> {
  const lacking = findRequirements().find(({ found }) => found === undefined);
  const runtime = findRuntime();
  const plugins = findPlugins();
  if (lacking !== undefined || runtime === undefined || plugins === undefined) {
    return `${lacking?.what ?? "something"} is missing.`;
  }
  try {
    const launcher = await openOciLauncher({ dataDir, limits, runtime, plugins, log });
    try {
      await launcher.probe();
    } catch (error) {
      await launcher.close();
      throw error;
    }
    return { isolation: "oci", launcher, close: () => launcher.close() };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}.`.replace(/\.+$/, ".");
  }
}
