import { LeverError, type Limits } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { ProcessRecords } from "../processes/process-records.ts";
import type { Development, Launcher } from "./launcher.ts";
import { findContainerSupport, openOciLauncher } from "./oci/oci-launcher.ts";
import { openProcessLauncher } from "./process/process-launcher.ts";
import type { Notes } from "./process/service-users.ts";
import { checkContainerIsolation } from "./requirements.ts";
import type { DataReader } from "./service-data.ts";

/** How instances are isolated: `auto` uses containers where they work and processes elsewhere. */
export const isolations = ["auto", "oci", "process"] as const;
export type Isolation = (typeof isolations)[number];

export interface OpenedLauncher extends DataReader {
  readonly isolation: "oci" | "process";
  /** With `auto`: a sentence with the reason why containers do not work. */
  readonly isolationReason?: string;
  /** Why services that run as processes share Lever's user; undefined = each has its own. */
  readonly sharedUserReason?: string;
  readonly launcher: Launcher;
  /** Removes what all instances share. Call it when the last instance has exited. */
  close(): Promise<void>;
}

export interface LauncherOptions {
  readonly isolation: Isolation;
  readonly dataDir: string;
  readonly limits: Limits;
  readonly records: ProcessRecords;
  readonly notes: Notes;
  readonly clock: Clock;
  readonly log: Log;
  readonly development?: Development | undefined;
}

/**
 * Opens the launcher for the requested isolation. To find out whether containers work, it starts one.
 * @throws LeverError `not_supported` when `oci` was requested and containers do not work. It never falls back from `oci`.
 */
export async function openLauncher(options: LauncherOptions): Promise<OpenedLauncher> {
  const { isolation } = options;
  let isolationReason: string | undefined;
  if (isolation !== "process") {
    const opened = await tryContainers(options);
    if (typeof opened !== "string") return opened;
    isolationReason = opened;
    if (isolation === "oci") {
      throw new LeverError(
        "not_supported",
        `Cannot run instances in containers: ${isolationReason} Run "lever doctor" to see what they need.`,
      );
    }
  }
  const launcher = await openProcessLauncher(options);
  const { sharedUserReason } = launcher;
  return {
    isolation: "process",
    ...(isolationReason && { isolationReason }),
    ...(sharedUserReason && { sharedUserReason }),
    launcher,
    openServiceData: launcher.openServiceData,
    close: () => launcher.close(),
  };
}

/** Resolves to a sentence with the reason when containers do not work here. */
async function tryContainers({
  dataDir,
  limits,
  clock,
  log,
}: LauncherOptions): Promise<OpenedLauncher | string> {
  const support = findContainerSupport();
  const missing = checkContainerIsolation(support).find(({ found }) => found === undefined);
  const { runtime, plugins } = support;
  if (missing !== undefined || runtime === undefined || plugins === undefined) {
    return `${missing?.what ?? "something"} is missing.`;
  }
  try {
    const launcher = await openOciLauncher({ dataDir, limits, runtime, plugins, clock, log });
    try {
      await launcher.probe();
    } catch (error) {
      await launcher.close();
      throw error;
    }
    const { openServiceData } = launcher;
    return { isolation: "oci", launcher, openServiceData, close: () => launcher.close() };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}.`.replace(/\.+$/, ".");
  }
}
