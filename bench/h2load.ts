import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "./run-tool.ts";

export interface H2loadRun {
  /** `127.0.0.1:port`, or that with `https://` before it. */
  readonly address: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly connections: number;
  /** Requests under way on each connection. */
  readonly streams: number;
  readonly seconds: number;
}

export interface H2loadResult {
  readonly perSecond: number;
  readonly requests: number;
  /** Streams that were reset, time-outs, and answers other than 2xx. gRPC's own statuses it does not see. */
  readonly failed: number;
}

/** Posts the same body over and over by HTTP/2. @throws Error when h2load is missing or fails. */
export async function h2load(run: H2loadRun): Promise<H2loadResult> {
  const folder = mkdtempSync(join(tmpdir(), "lever-bench-"));
  const body = join(folder, "body");
  writeFileSync(body, run.body);
  try {
    const { address, path, headers, connections, streams, seconds } = run;
    const printed = await runTool("h2load", [
      ...["-t1", `-c${connections}`, `-m${streams}`, `-D${seconds}`, "-d", body],
      ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
      `${address.startsWith("https:") ? "" : "http://"}${address}${path}`,
    ]);
    const [, succeeded, failed, errored] =
      /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(printed) ?? [];
    if (succeeded === undefined) throw new Error(`Cannot read what h2load measured: ${printed}`);
    return {
      perSecond: Number(succeeded) / seconds,
      requests: Number(succeeded),
      failed: Number(failed) + Number(errored),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
