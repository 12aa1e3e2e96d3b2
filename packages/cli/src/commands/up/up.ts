import { once } from "node:events";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { HostOptions, Isolation } from "@leveros/host";
import { defaultLimits, type LimitName } from "@leveros/protocol";
import { type Command, command } from "../../command.ts";
import { exitStatus, usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { flag, oneOf, value, values } from "../../parameters.ts";
import { programName } from "../../program-name.ts";
import { formatAuthority, isLoopback } from "./bind-address.ts";
import { formatLogLine } from "./log-line.ts";
import { openHost } from "./open-host.ts";
import { parseConsoleHost } from "./parse-console-host.ts";
import { parsePort } from "./parse-port.ts";
import { parseWorkers, WORKERS_MAX } from "./parse-workers.ts";
import { parsePeerAddress, parsePeerBind, readCluster } from "./read-cluster.ts";
import { readLimit } from "./read-limit.ts";
import { watchStopSignals } from "./stop-signals.ts";
import { DEFAULT_PORT, formatWelcome } from "./welcome.ts";

const FILE = { parse: (text: string): string => text, allowed: "a file" };

export const up: Command = command({
  name: "up",
  summary: "run Lever on this machine",
  description: "Run a Lever host on this machine until Ctrl-C.",
  isLocal: true,
  options: {
    port: value("<port>", "port to listen on; 0 = any free port", {
      parse: parsePort,
      allowed: "0 to 65535",
      default: DEFAULT_PORT,
    }),
    bind: value("<address>", "address to listen on", {
      parse: (text) => text,
      allowed: "an address",
      default: "127.0.0.1",
    }),
    tlsCert: values(
      "<file>",
      "serve over TLS with this certificate and its chain (PEM); can be repeated",
      FILE,
    ),
    tlsKey: values(
      "<file>",
      "key of the certificate (PEM), in the same order; changed files are read again",
      FILE,
    ),
    tlsDir: value(
      "<dir>",
      "serve over TLS with the certificates in this folder, by their host names",
    ),
    httpPort: value("<port>", "redirect requests without TLS from this port", {
      parse: parsePort,
      allowed: "0 to 65535",
    }),
    acmeDir: value(
      "<dir>",
      "folder with answers to challenges of a certificate authority, for --http-port",
    ),
    allowInsecureBind: flag(
      "allow an address that other machines can reach without TLS: tokens can then be read on the network",
    ),
    consoleHost: values(
      "<name>",
      "host name under which the console may be used with a token, beside those of the certificate; can be repeated",
      { parse: parseConsoleHost, allowed: "a host name, without a port" },
    ),
    data: value("<dir>", "folder for everything that Lever stores (default: ~/.lever)"),
    isolation: value<Isolation>(
      "<kind>",
      "how instances are isolated: oci (containers), process, or auto, the strongest that works here",
      { ...oneOf("auto", "oci", "process"), default: "auto" },
    ),
    workers: value(
      "<n>",
      "processes that accept connections on the port (default: half of the cores, at most 8; 1 with fewer than 4 cores)",
      { parse: parseWorkers, allowed: `1 to ${WORKERS_MAX}` },
    ),
    limit: values("<name=value>", "set a limit; can be repeated", {
      parse: readLimit,
      allowed: "name=value",
    }),
    cluster: value(
      "<url[,url]>",
      "be one of several hosts, over this PostgreSQL: its primary and standbys (postgres://…)",
    ),
    clusterKey: value("<file>", "key of the cluster (lever cluster key new > cluster.key)"),
    hostName: value("<name>", "name of this host in the cluster (default: the machine's)"),
    peerBind: value(
      "<address[:port]>",
      "address to listen on for the other hosts (default: that of --bind, on any free port)",
      { parse: parsePeerBind, allowed: "an address, with or without a port" },
    ),
    peerAddress: value(
      "<host:port>",
      "address that the other hosts reach it at (default: that of --peer-bind)",
      { parse: parsePeerAddress, allowed: "a name or an address, with a port" },
    ),
    found: flag("found the cluster with what this host has; its database must be empty"),
    discardLocal: flag("give up what this host has, and join the cluster"),
    newIdentity: flag("be another host than the one whose data folder was copied"),
    newDatabase: flag("accept that the cluster's database has moved to another server"),
    otlp: value("<url>", "send traces to this collector, by OTLP over HTTP as JSON"),
    logOutput: flag("log what services print, too, when the log does not go to a terminal"),
    verbose: flag("log more"),
  },
  notes: `The data folder holds the deployed services, their data and all settings. Remove it while Lever is stopped to start
from nothing. Ctrl-C stops Lever after it has finished the calls in flight. A second Ctrl-C, at least half a second
later, stops it at once.

With --cluster, hosts on several machines are one Lever: each answers every call, and a deploy, a token or a variable
holds on all of them when the command returns. The first host starts with --found, the others join it. All have the
same key file. The password of the database is better in PGPASSWORD or a file (PGPASSFILE) than in the URL.

Traces of failed, slow and sampled calls go to the collector of --otlp, or of OTEL_EXPORTER_OTLP_ENDPOINT, with the
headers of OTEL_EXPORTER_OTLP_HEADERS.

Limits and their defaults (lever limits explains them):
${Object.entries(defaultLimits)
  .map(([name, limit]) => `  ${name}=${limit}`)
  .join("\n")}`,
  examples: [
    ["lever up"],
    ["lever up --port 9000 --data ./.lever"],
    ["lever up --bind 0.0.0.0 --port 443 --tls-cert fullchain.pem --tls-key privkey.pem"],
    ["lever up --bind 0.0.0.0 --port 443 --tls-dir /etc/letsencrypt/live --http-port 80"],
    [
      "lever up --cluster postgres://lever@db/lever --cluster-key cluster.key --found",
      "the first host",
    ],
    ["lever up --otlp http://127.0.0.1:4318", "and send traces to a collector"],
    ["lever up --limit idleTimeoutMs=60000 --limit bodyBytesMax=8388608"],
  ],
  run: async ({ port, bind, data = join(homedir(), ".lever"), ...options }) => {
    const tls = readTls(options);
    if (!isLoopback(bind) && tls === undefined && !options.allowInsecureBind) {
      throw usageError(
        `Cannot listen on ${bind} without TLS: other machines can reach this address, and tokens could be read on the network.\n` +
          "To use TLS: --tls-cert FILE --tls-key FILE\n" +
          "To accept that in a network you trust: --allow-insecure-bind",
      );
    }
    const { requested } = watchStopSignals(exitStatus.interrupted);
    const stopRequested = requested.aborted ? Promise.resolve() : once(requested, "abort");
    const limits = Object.fromEntries(options.limit.map(({ name, value }) => [name, value]));
    const host = await openHost(
      {
        bind,
        port,
        dataDir: data,
        tls,
        consoleHosts: options.consoleHost,
        redirect: readRedirect(options, tls),
        workers: options.workers,
        limits: { ...defaultLimits, ...limits },
        overriddenLimits: new Set<LimitName>(options.limit.map(({ name }) => name)),
        isolation: options.isolation,
        isLocalOnly: isLoopback(bind),
        cluster: readCluster(options),
        otlp: readOtlp(options.otlp),
        showsOutput: options.logOutput || process.stderr.isTTY,
        logLevel: options.verbose ? "debug" : "info",
        logTo: { write: writeLogLine },
      },
      REMEDY,
    );
    const { serviceManager } = await import("./service-manager.ts");
    const manager = serviceManager({ variables: process.env, onProblem: printNote });
    manager.ready();
    const scheme = tls === undefined ? "http" : "https";
    printResult(`Lever is up at ${scheme}://${formatAuthority(host.bind, host.port)}`);
    if (process.stderr.isTTY) {
      const lever = programName(process.env);
      printNote(formatWelcome({ ...host, dataDir: resolve(data), scheme, lever }));
    }
    await stopRequested;
    const told = manager.stopping();
    if (process.stderr.isTTY) {
      printNote("\nStopping after the calls in flight. Press Ctrl-C again to stop at once.");
    }
    await host.close();
    await told;
    // A handle that a library left open must not keep a stopped host alive.
    process.exit(exitStatus.success);
  },
});

const REMEDY = "Choose another port with --port, or another data folder with --data.";

/** The standard variables of OpenTelemetry have the same meaning as the option. */
function readOtlp(url: string | undefined): HostOptions["otlp"] {
  const endpoint = url ?? process.env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  if (endpoint === undefined || endpoint === "") return undefined;
  return { endpoint, headers: process.env["OTEL_EXPORTER_OTLP_HEADERS"] };
}

function readTls(options: {
  tlsCert: readonly string[];
  tlsKey: readonly string[];
  tlsDir: string | undefined;
}): HostOptions["tls"] {
  const { tlsCert, tlsKey, tlsDir: folder } = options;
  if (tlsCert.length !== tlsKey.length) {
    const missing = tlsCert.length < tlsKey.length ? "--tls-cert" : "--tls-key";
    throw usageError(`Cannot serve over TLS: ${missing} is missing.`);
  }
  if (tlsCert.length === 0 && folder === undefined) return undefined;
  const pairs = tlsCert.map((certFile, index) => ({ certFile, keyFile: tlsKey[index] ?? "" }));
  return { pairs, folder };
}

function readRedirect(
  { httpPort, acmeDir }: { httpPort: number | undefined; acmeDir: string | undefined },
  tls: HostOptions["tls"],
): HostOptions["redirect"] {
  if (httpPort !== undefined && tls !== undefined) return { port: httpPort, acmeDir };
  if (httpPort === undefined && acmeDir === undefined) return undefined;
  const needed = httpPort === undefined ? "--acme-dir needs --http-port" : "--http-port needs TLS";
  throw usageError(`Cannot redirect to HTTPS: ${needed}.`);
}

function writeLogLine(line: string): void {
  if (!process.stderr.isTTY) {
    process.stderr.write(line);
    return;
  }
  // hasColors() respects NO_COLOR and FORCE_COLOR.
  const isColored = process.stderr.hasColors();
  process.stderr.write(`${formatLogLine(line.trimEnd(), { isColored })}\n`);
}
