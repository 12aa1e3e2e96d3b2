import type { InstancesReport } from "@leveros/protocol";
import { listInstances } from "../tests/harness/admin.ts";
import { sendSignal } from "../tests/harness/child-processes.ts";
import { eventually } from "../tests/harness/eventually.ts";
import { type RunningLever, type StartOptions, startLever } from "../tests/harness/lever.ts";
import type { Figure } from "./figure.ts";

/** The settings of one run. */
export interface BenchRun {
  /** Length of each measurement under load. */
  readonly seconds: number;
  /** In how many rounds peers take turns. */
  readonly rounds: number;
  /** Services at zero of a full host. */
  readonly services: number;
  /** Times a fixed piece of work, which shows how busy the machine is. */
  calibrate(): void;
}

export interface Scenario {
  readonly name: string;
  /** A name by which `--only` picks several scenarios. */
  readonly group?: "off-path";
  readonly about: string;
  run(run: BenchRun): Promise<readonly Figure[]>;
}

/** Starts a host with limits such as `{ idleTimeoutMs: 100 }`, on a data folder of its own unless one is given. */
export function startHost(
  limits: Readonly<Record<string, number>> = {},
  options: Pick<StartOptions, "dataDir" | "isolation" | "workers"> = {},
): Promise<RunningLever> {
  const args = Object.entries(limits).flatMap(([name, value]) => ["--limit", `${name}=${value}`]);
  return startLever({ ...options, args });
}

/** Longer than a run of many services takes to become idle. */
const STATE_MS_MAX = 600_000;

/** Asks for the instances of a service, or of all of `dev.lever`, until they are as they should be. */
export function untilInstances(
  lever: RunningLever,
  service: string | undefined,
  isThere: (report: InstancesReport) => boolean,
): Promise<InstancesReport> {
  return eventually(
    async () => {
      const report = await listInstances(lever, service);
      return isThere(report) && report;
    },
    { everyMs: 0, timeoutMs: STATE_MS_MAX },
  );
}

/** Kills an instance of this run's own host. False = it has already ended. */
export const kill = (pid: number): boolean => sendSignal(pid, "SIGKILL");
