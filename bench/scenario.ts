import type { InstancesReport } from "@leveros/protocol";
import { Client } from "leveros";
import { serviceArchive } from "../tests/harness/archive.ts";
import { deployArchive } from "../tests/harness/http-call.ts";
import { type RunningLever, type StartOptions, startLever } from "../tests/harness/lever.ts";
import type { Figure } from "./figure.ts";

/** How a run measures. */
export interface BenchRun {
  /** Of each measurement under load. */
  readonly seconds: number;
  /** In how many rounds contenders take turns. */
  readonly rounds: number;
  /** Services at zero of a full host. */
  readonly services: number;
  /** Notes how long a fixed piece of work takes now. */
  spin(): void;
}

export interface Scenario {
  readonly name: string;
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

/** Deploys a service of one file. @throws Error with the answer when it is refused. */
export async function deploy(
  lever: RunningLever,
  name: string,
  code: string,
  fields: object = {},
): Promise<void> {
  const leverJson = JSON.stringify({ name, jsEntry: "server.js", ...fields });
  const archive = serviceArchive({ "lever.json": leverJson, "server.js": code });
  const environment = "dev.lever";
  const answer = await deployArchive(lever.address, archive, environment);
  if (answer.status !== 200) throw new Error(`Cannot deploy ${name}: ${answer.text}`);
}

/** What `lever ps` shows. */
export async function listInstances(
  lever: RunningLever,
  service?: string,
): Promise<InstancesReport> {
  const admin = new Client({ forceHost: lever.address }).service("admin.lever", "admin");
  return (await admin.invoke("listInstances", "dev.lever", service)) as InstancesReport;
}

/** Asks for the instances until they are as they should be. */
export async function untilInstances(
  lever: RunningLever,
  service: string | undefined,
  isThere: (report: InstancesReport) => boolean,
): Promise<InstancesReport> {
  while (true) {
    const report = await listInstances(lever, service);
    if (isThere(report)) return report;
  }
}

/** Ends an instance of this run's own host as a crash would. False = it has ended by itself already. */
export function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}
