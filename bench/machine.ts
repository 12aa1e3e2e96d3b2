import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";

/** The machine that figures were measured on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  /** Versions of node, the load generators, and each peer. */
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    versions: {
      node: process.version,
      wrk: toolVersion("wrk", /debian\/(\S+)|wrk (\S+)/),
      h2load: toolVersion("h2load", /nghttp2\/(\S+)/),
      runc: toolVersion("runc", /version (\S+)/),
      crun: toolVersion("crun", /version (\S+)/),
      ...peerVersions(),
    },
  };
}

function peerVersions(): Record<string, string> {
  const peers = join(import.meta.dirname, "peers/package.json");
  const own = join(import.meta.dirname, "../package.json");
  const { dependencies } = JSON.parse(readFileSync(peers, "utf8")) as Dependencies;
  const { devDependencies } = JSON.parse(readFileSync(own, "utf8")) as Dependencies;
  const { "@grpc/grpc-js": grpc = "", ws = "" } = devDependencies ?? {};
  return { ...dependencies, "@grpc/grpc-js": grpc, ws };
}

interface Dependencies {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function toolVersion(tool: string, pattern: RegExp): string {
  // wrk prints its version and exits with a failure.
  const { stdout, stderr } = spawnSync(tool, ["--version"], { encoding: "utf8" });
  const [, first, second] = pattern.exec(`${stdout}${stderr}`) ?? [];
  return first ?? second ?? "not installed";
}

/**
 * Times a fixed loop, in milliseconds. The spread of several times shows how much of the machine other programs took
 * during the measurements.
 */
export function measureCalibration(): number {
  const startedAt = performance.now();
  let value = 1;
  for (let i = 0; i < 50_000_000; i++) value = (value * 31 + i) | 0;
  // The value is used, so that the loop is not optimised away.
  if (value === 0.5) throw new Error("Cannot happen: the value is an integer.");
  return performance.now() - startedAt;
}
