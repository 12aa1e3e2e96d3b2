import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CallFilter, CallRecord, LogFilter, LogPage, LogRecord } from "@leveros/protocol";
import { Client } from "../client.ts";
import type { RemoteService } from "../remote-service.ts";
import { findCommand } from "./find-command.ts";
import { formatCalls } from "./format-calls.ts";

export interface TestOptions {
  /** The folder of a service, or one with several services in or below it. */
  readonly dir: string;
}

/** A host with the services of a folder, for tests. */
export interface TestedLever {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly client: Client;
  /** A service of the folder. Its type gives the methods: `service<typeof import("./server.ts")>("shop")`. */
  service<Module = unknown>(name: string): RemoteService<Module>;
  /** The records that the services have printed and thrown, oldest first; at most 1,000. */
  logs(filter?: LogFilter): Promise<readonly LogRecord[]>;
  /** The last calls that have ended, oldest first; at most 1,000. */
  calls(filter?: CallFilter): Promise<readonly CallRecord[]>;
  /** For `afterEach` of node's test runner, and of vitest: if the test failed, prints the calls since the test before, and what the services have logged. */
  readonly reportFailedTest: (test: object) => Promise<void>;
  /** Stops the host, and removes the data of the services. May be called twice. */
  close(): Promise<void>;
}

/** The message of the command when it has deployed all services once. */
interface Ready {
  readonly address: string;
  readonly problems: readonly string[];
}

const OUTPUT_CHARS_MAX = 100_000;
const LOG_RECORDS_MAX = 1_000;
const CALLS_MAX = 1_000;

/**
 * Starts a host in a process of its own, on a free port and with new data, and deploys the services of a folder as
 * `lever dev` does.
 * @throws Error when a service cannot be deployed, with the reason.
 */
export async function startLever({ dir }: TestOptions): Promise<TestedLever> {
  const command = findCommand(dir);
  const dataDir = await realpath(await mkdtemp(join(tmpdir(), "lever-testing-")));
  const child = spawn(process.execPath, [command, "dev", dir, "--port", "0", "--data", dataDir], {
    // It ends when this process does: the channel closes then.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, NO_COLOR: "1", LEVEROS_ENV: "" },
  });
  // Not "close", which does not come after a disconnect.
  const exited = once(child, "exit");
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  };
  const { address, problems } = await untilReady(child).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  if (problems.length > 0) {
    await close();
    throw new Error(problems.join("\n"));
  }
  // They must not keep a test process alive that does not close the host.
  child.unref();
  child.channel?.unref();
  const client = new Client({ forceHost: address });
  const logs = async (filter: LogFilter = {}): Promise<readonly LogRecord[]> => {
    const admin = client.service("admin.lever", "admin");
    const options = { max: LOG_RECORDS_MAX, ...filter };
    const page = (await admin.invoke("listLogs", "dev.lever", options)) as LogPage;
    return page.records;
  };
  const calls = async (filter: CallFilter = {}): Promise<readonly CallRecord[]> => {
    const admin = client.service("admin.lever", "admin");
    const options = { limit: CALLS_MAX, ...filter };
    return (await admin.invoke("listCalls", "dev.lever", options)) as readonly CallRecord[];
  };
  let shownUntil = new Date().toISOString();
  return {
    address,
    client,
    service: <Module>(name: string) => client.service<Module>("dev.lever", name),
    logs,
    calls,
    async reportFailedTest(test) {
      const since = shownUntil;
      shownUntil = new Date().toISOString();
      const name = nameIfFailed(test);
      if (name === undefined) return;
      const of = `during the failed test ${JSON.stringify(name)}:`;
      const made = (await calls()).filter(({ at }) => at >= since);
      const records = await logs({ since });
      const logged = records.map(({ level, instance, text }) => `  ${level}  ${instance}  ${text}`);
      const lines = [`Called ${of}`, ...formatCalls(made), `Logged ${of}`, ...logged];
      process.stderr.write(`${lines.join("\n")}\n`);
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** The name of a failed test: the context of node's test runner or of vitest. */
function nameIfFailed(test: object): string | undefined {
  const { name, passed, task } = test as {
    readonly name?: string;
    readonly passed?: boolean;
    readonly task?: { readonly name: string; readonly result?: { readonly state: string } };
  };
  if (task !== undefined) return task.result?.state === "fail" ? task.name : undefined;
  return passed === false ? (name ?? "") : undefined;
}

async function untilReady(child: ChildProcess): Promise<Ready> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    });
  }
  const early = once(child, "exit").then(() => {
    throw new Error(`Cannot start Lever: lever dev has ended.\n${output}`);
  });
  const ready = once(child, "message") as Promise<[Ready]>;
  const [message] = await Promise.race([ready, early]);
  return message;
}
