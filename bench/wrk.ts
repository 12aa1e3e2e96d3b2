import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "./run-tool.ts";

export interface WrkRun {
  /** `127.0.0.1:port`, or that with `https://` before it. */
  readonly address: string;
  /** `{turn}` in it is each number from 1 to `turns`. */
  readonly path: string;
  /** The value of the Host header. */
  readonly host: string;
  /** undefined = the requests are `GET`. */
  readonly body?: string;
  readonly connections: number;
  readonly seconds: number;
  /** A new connection for each request. */
  readonly reconnects?: boolean;
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further header fields. */
  readonly fields?: Readonly<Record<string, string>>;
  /** The body is sent as one chunk, of unknown length. */
  readonly isChunked?: boolean;
  /** The first request of each connection is a preflight. */
  readonly hasPreflight?: boolean;
  /** So many different requests, one after the other. Default: the same one over and over. */
  readonly turns?: number;
}

export interface WrkResult {
  readonly perSecond: number;
  readonly requests: number;
  /** Connections that broke, time-outs, and answers other than 2xx and 3xx. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Posts the same body over and over, or gets the same page: each connection sends the next request when it has the reply to the one before.
 * @throws Error when wrk is missing or fails.
 */
export async function wrk(run: WrkRun): Promise<WrkResult> {
  const folder = mkdtempSync(join(tmpdir(), "lever-bench-"));
  const body = join(folder, "body");
  writeFileSync(body, run.body ?? "");
  try {
    const { address, path, host, connections, seconds, fields = {} } = run;
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
    const script = join(import.meta.dirname, "wrk.lua");
    const printed = await runTool(
      "wrk",
      ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script].concat(
        ...(run.reconnects === true ? ["-H", "connection: close"] : []),
        `${address.startsWith("https:") ? "" : "http://"}${address}${path}`,
      ),
      {
        BENCH_BODY: body,
        BENCH_HOST: host,
        BENCH_FIELDS: lines.join("\n"),
        ...(run.body === undefined && { BENCH_GET: "1" }),
        ...(run.isChunked === true && { BENCH_CHUNKED: "1" }),
        ...(run.hasPreflight === true && { BENCH_PREFLIGHTS: `${connections}` }),
        ...(run.turns !== undefined && { BENCH_TURNS: `${run.turns}` }),
      },
    );
    const [, json] = /^RESULT (.+)$/m.exec(printed) ?? [];
    if (json === undefined) throw new Error(`Cannot read what wrk measured: ${printed}`);
    const told = JSON.parse(json) as Omit<WrkResult, "perSecond"> & { seconds: number };
    return { ...told, perSecond: (told.requests - told.failed) / told.seconds };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
