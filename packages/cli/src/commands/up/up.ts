import { once } from "node:events";
import { availableParallelism, homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Host, HostOptions, Isolation } from "@leveros/host";
import {
  defaultLimits,
  LeverError,
  type LimitName,
  type Limits,
  parseLimit,
} from "@leveros/protocol";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CommandError, exitStatus, usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { formatAuthority, isLoopback } from "./bind-address.ts";
import { defaultWorkers, WORKERS_MAX } from "./default-workers.ts";
import { formatLogLine } from "./log-line.ts";
import { watchStopSignals } from "./stop-signals.ts";

const DEFAULT_PORT = 8080;

const HELP = `
Services, their versions and everything else that Lever keeps are in the data folder; removing it, while Lever is
down, removes them. Ctrl-C stops in order: calls under way are finished first. Ctrl-C again, half a second later
or more, stops at once.

Examples:
  lever up
  lever up --port 9000 --data ./.lever
  lever up --bind 0.0.0.0 --port 443 --tls-cert fullchain.pem --tls-key privkey.pem
  lever up --limit idleTimeoutMs=60000 --limit bodyBytesMax=8388608

Limits and their defaults:
${Object.entries(defaultLimits)
  .map(([name, value]) => `  ${name}=${value}`)
  .join("\n")}`;

interface UpOptions {
  readonly port: number;
  readonly bind: string;
  readonly allowInsecureBind?: true;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly data?: string;
  readonly workers?: number;
  readonly limit?: Partial<Limits>;
  readonly isolation: Isolation;
  readonly verbose?: true;
}

export function declareUp(program: Command): void {
  program
    .command("up")
    .summary("run Lever on this machine")
    .description("Run Lever on this machine, until Ctrl-C.")
    .option("--port <port>", "port to listen on; 0 = any free one", readPort, DEFAULT_PORT)
    .option("--bind <address>", "address to listen on", "127.0.0.1")
    .option("--tls-cert <file>", "serve over TLS, with this certificate and its chain (PEM)")
    .option(
      "--tls-key <file>",
      "the certificate's key (PEM); when the files change, they are read anew",
    )
    .option(
      "--allow-insecure-bind",
      "allow an address that other machines reach, without TLS: tokens can be read on the way",
    )
    .option("--data <dir>", "folder for everything that Lever keeps (default: ~/.lever)")
    .addOption(
      new Option(
        "--isolation <kind>",
        "how instances are kept apart: in containers (oci), as processes, or whichever is strongest here",
      )
        .choices(["auto", "oci", "process"])
        .default("auto"),
    )
    .option(
      "--workers <n>",
      "processes that take connections, behind the one port (default: half of the machine's cores, at most 8; 1 below 4 cores)",
      readWorkers,
    )
    .option("--limit <name=value>", "set a limit; may be repeated", readLimit)
    .option("--verbose", "log more")
    .addHelpText("after", HELP)
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const { port, bind, data = join(homedir(), ".lever"), verbose } = options;
  const tls = readTls(options);
  if (!isLoopback(bind) && tls === undefined && options.allowInsecureBind !== true) {
    throw usageError(
      `Cannot listen on ${bind}: other machines reach it, and what they send, tokens included, can be read on the way.\n` +
        "With TLS it cannot: --tls-cert FILE --tls-key FILE\n" +
        "To allow that, in a network where it is safe: --allow-insecure-bind",
    );
  }
  const { requested } = watchStopSignals(exitStatus.interrupted);
  const stopRequested = requested.aborted ? Promise.resolve() : once(requested, "abort");
  const { startHost } = await import("@leveros/host");
  const { workers = defaultWorkers(availableParallelism(), process.platform) } = options;
  const host = await startHost({
    bind,
    port,
    dataDir: data,
    tls,
    workers,
    limits: { ...defaultLimits, ...options.limit },
    overriddenLimits: new Set(Object.keys(options.limit ?? {}) as LimitName[]),
    isolation: options.isolation,
    isLocalOnly: isLoopback(bind),
    logLevel: verbose ? "debug" : "info",
    logTo: { write: writeLogLine },
  }).catch(explainStart);
  const scheme = tls === undefined ? "http" : "https";
  printResult(`Lever is up at ${scheme}://${formatAuthority(host.bind, host.port)}`);
  if (process.stderr.isTTY) printNote(welcome({ dataDir: resolve(data), host, scheme, workers }));
  await stopRequested;
  if (process.stderr.isTTY) {
    printNote("\nStopping: calls under way are finished first. Ctrl-C again stops at once.");
  }
  await host.close();
  // What a library may have left open must not keep a stopped host alive.
  process.exit(exitStatus.success);
}

function explainStart(error: unknown): never {
  if (!(error instanceof LeverError)) throw error;
  const remedy =
    error.code === "unavailable"
      ? "\nAnother port is chosen by --port, another data folder by --data."
      : "";
  throw new CommandError(exitStatus.lever, `${error.message}${remedy}`, { cause: error });
}

function readTls({ tlsCert, tlsKey }: UpOptions): HostOptions["tls"] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert !== undefined && tlsKey !== undefined) return { certFile: tlsCert, keyFile: tlsKey };
  throw usageError("Cannot serve over TLS: --tls-cert and --tls-key are needed both.");
}

function writeLogLine(line: string): void {
  if (!process.stderr.isTTY) {
    process.stderr.write(line);
    return;
  }
  const isColored = process.stderr.hasColors();
  process.stderr.write(`${formatLogLine(line.trimEnd(), { isColored })}\n`);
}

/** Where the data is, and what to type next, in another terminal. */
function welcome({
  dataDir,
  host,
  scheme,
  workers,
}: {
  dataDir: string;
  host: Host;
  scheme: "http" | "https";
  workers: number;
}): string {
  const { bind, port, isolation, isolationReason, sharedUserReason } = host;
  const isDefault = scheme === "http" && port === DEFAULT_PORT && isLoopback(bind);
  const authority = formatAuthority(bind, port);
  const address = scheme === "http" ? authority : `https://${authority}`;
  return [
    isolation === "oci"
      ? "Instances run in containers."
      : `Instances run as processes, which is no boundary against hostile code.${
          isolationReason === undefined ? "" : ` Containers: ${isolationReason} See lever doctor.`
        }`,
    ...(workers === 1 ? [] : [`Connections are taken by ${workers} processes.`]),
    ...(sharedUserReason === undefined
      ? []
      : [`All services run as Lever's user: ${sharedUserReason}.`]),
    `Its data is in ${dataDir}. Stop it with Ctrl-C.`,
    "",
    "In another terminal:",
    ...(isDefault ? [] : [`  export LEVEROS_IP_PORT=${address}`]),
    "  lever deploy <dir>    run the service in a folder with a lever.json",
    "  lever ls              see what is deployed",
    "",
  ].join("\n");
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError("Allowed is 0 to 65535.");
}

function readWorkers(text: string): number {
  const workers = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (workers >= 1 && workers <= WORKERS_MAX) return workers;
  throw new InvalidArgumentError(`Allowed is 1 to ${WORKERS_MAX}.`);
}

function readLimit(text: string, before: Partial<Limits> = {}): Partial<Limits> {
  const limit = parseLimit(text);
  if (typeof limit === "string") throw new InvalidArgumentError(limit);
  return { ...before, [limit.name]: limit.value };
}
