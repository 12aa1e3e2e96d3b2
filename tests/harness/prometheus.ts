import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { findProgram } from "./requirements.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** A Prometheus of its own, on loopback, that scrapes one host each second. */
export interface RunningPrometheus extends AsyncDisposable {
  /** The values of an expression by their labels, as JSON. @throws Error when Prometheus cannot evaluate it. */
  query(expression: string): Promise<ReadonlyMap<string, number>>;
}

interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result: readonly {
      readonly metric: object;
      readonly value: readonly [number, string];
    }[];
  };
}

const LISTENING = /msg="Listening on" address=(127\.0\.0\.1:\d+)/;

/** `target`: address of the host. `rules`: a file with rules. */
export async function startPrometheus(options: {
  readonly target: string;
  readonly rules: string;
}): Promise<RunningPrometheus> {
  const folder = await makeTemporaryFolder();
  await folder.put({
    "prometheus.yml": {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [options.rules],
      scrape_configs: [
        {
          job_name: "lever",
          metrics_path: "/-/metrics",
          static_configs: [{ targets: [options.target] }],
        },
      ],
    },
  });
  const child = spawn(
    installed("prometheus"),
    [
      `--config.file=${join(folder.path, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder.path, "data")}`,
      "--web.listen-address=127.0.0.1:0",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const exited = once(child, "exit");
  let output = "";
  const address = await new Promise<string>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const [, found] = LISTENING.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.on("exit", () => reject(new Error(`prometheus ended: ${output}`)));
  });
  // It listens before it has opened its database.
  await eventually(async () => (await fetch(`http://${address}/-/ready`)).ok);
  return {
    async query(expression) {
      const asked = new URLSearchParams({ query: expression });
      const response = await fetch(`http://${address}/api/v1/query?${asked}`);
      const { status, error, data } = (await response.json()) as QueryAnswer;
      if (status !== "success") throw new Error(`Cannot evaluate ${expression}: ${error}`);
      return new Map(
        (data?.result ?? []).map(({ metric, value }) => [JSON.stringify(metric), Number(value[1])]),
      );
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

function installed(program: string): string {
  const path = findProgram(program);
  if (path === undefined) throw new Error(`Cannot run ${program}: it is not installed.`);
  return path;
}

/** Runs promtool. @throws Error with its output when it finds a fault. */
export function promtool(args: readonly string[], input = ""): void {
  const { status, stdout, stderr } = spawnSync(installed("promtool"), args, {
    input,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`promtool ${args.join(" ")}: ${stdout}${stderr}`);
}
