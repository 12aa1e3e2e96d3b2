/**
 * Which hosts with containers this machine has: a file for each, with the identity of its process. What a killed host has
 * left can be removed by another one, also when its data folder is gone. The folder is root's.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootId } from "../../processes/boot-id.ts";
import { findProgram } from "../../processes/find-program.ts";
import { processStat } from "../../processes/process-stat.ts";

/** Holds a folder and a claim for each host with containers on this machine. */
export const HOSTS_DIR = "/run/lever";
const SUFFIX = ".host";
/** How long another host may take to remove what it has found. */
const LOCK_TIMEOUT_SECONDS = 60;

/** A process, such that no other one ever has the same text. */
interface ProcessIdentity {
  /** The id of the machine's current run. */
  readonly boot: string;
  readonly pidNamespace: string;
  readonly pid: number;
  readonly startTime: string;
}

/** Claims the names of a host for this process. Before anything with these names is created. */
export function claimHost(hostId: string, dir: string = HOSTS_DIR): void {
  const pidNamespace = readlinkSync("/proc/self/ns/pid");
  const startTime = processStat(process.pid)?.startTime ?? "";
  const identity: ProcessIdentity = {
    boot: bootId() ?? "",
    pidNamespace,
    pid: process.pid,
    startTime,
  };
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  writeFileSync(join(dir, hostId + SUFFIX), JSON.stringify(identity), { mode: 0o600 });
}

/** After everything with these names has been removed. */
export function releaseHost(hostId: string, dir: string = HOSTS_DIR): void {
  rmSync(join(dir, hostId + SUFFIX), { force: true });
}

/** The hosts whose process is certainly gone. None for users who may not look. */
export function findGoneHosts(dir: string = HOSTS_DIR): readonly string[] {
  return list(dir)
    .filter((name) => name.endsWith(SUFFIX))
    .filter((name) => isGone(join(dir, name)))
    .map((name) => name.slice(0, -SUFFIX.length));
}

/**
 * Runs work while no other process of this machine runs any, so that a host does not start while another one removes what
 * it had left. The lock ends with this process.
 * @throws Error when another one holds the lock for more than a minute.
 */
export async function withHostsLock<T>(
  work: () => Promise<T>,
  dir: string = HOSTS_DIR,
): Promise<T> {
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  const holder = spawn(
    findProgram("flock") ?? "flock",
    ["-w", String(LOCK_TIMEOUT_SECONDS), join(dir, "lock"), "sh", "-c", "echo && exec cat"],
    { stdio: ["pipe", "pipe", "ignore"], detached: true },
  );
  holder.stdin.on("error", () => {});
  const ended = once(holder, "exit").then(() => {
    throw new Error(`The lock of ${dir} is held by another host.`);
  });
  ended.catch(() => {});
  try {
    await Promise.race([once(holder.stdout, "data"), ended]);
    return await work();
  } finally {
    holder.stdin.end();
  }
}

/** False also for a claim that cannot be read, and for a process that this one would not see. */
function isGone(file: string): boolean {
  const claim = readClaim(file);
  if (claim === undefined) return false;
  if (claim.boot !== bootId()) return true;
  if (claim.pidNamespace !== readlinkSync("/proc/self/ns/pid")) return false;
  const stat = processStat(claim.pid);
  return stat?.isRunning !== true || stat.startTime !== claim.startTime;
}

function readClaim(file: string): ProcessIdentity | undefined {
  try {
    const claim: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isIdentity(claim) ? claim : undefined;
  } catch {
    return undefined;
  }
}

function isIdentity(claim: unknown): claim is ProcessIdentity {
  if (typeof claim !== "object" || claim === null) return false;
  const types: Record<keyof ProcessIdentity, string> = {
    boot: "string",
    pidNamespace: "string",
    pid: "number",
    startTime: "string",
  };
  const fields = new Map<string, unknown>(Object.entries(claim));
  return Object.entries(types).every(([name, type]) => typeof fields.get(name) === type);
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
