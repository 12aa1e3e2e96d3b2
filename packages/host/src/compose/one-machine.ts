import { mkdirSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { LeverError, type LimitName, type Limits } from "@leveros/protocol";
import { TokenRegistry } from "../access/token-registry.ts";
import { startAdminService } from "../admin/admin-service.ts";
import { systemClock } from "../clock.ts";
import { CodeStore } from "../deployer/code-store.ts";
import { Deployer } from "../deployer/deployer.ts";
import { goLive } from "../deployer/go-live.ts";
import { Environments } from "../environments/environments.ts";
import { SecretBox } from "../environments/secret-box.ts";
import { Variables } from "../environments/variables.ts";
import { Fleet } from "../fleet/fleet.ts";
import { openGateway } from "../gateway/gateway.ts";
import {
  type Certificate,
  type CertificateFiles,
  nameFor,
  readCertificate,
} from "../gateway/tls/certificate.ts";
import { type Isolation, openLauncher } from "../launcher/open-launcher.ts";
import { removeServiceData, serviceFoldersDir } from "../launcher/service-data.ts";
import { WarmPool } from "../launcher/warm-pool.ts";
import { EventLog } from "../logs/event-log.ts";
import { createLog } from "../logs/log.ts";
import { ProcessRecords } from "../processes/process-records.ts";
import { Router } from "../router/router.ts";
import { serveInstanceCalls } from "../router/serve-instance-calls.ts";
import { openEpochs } from "../store/epochs.ts";
import { openSqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import { StoreOpenError } from "../store/store-open-error.ts";
import { GatewayWorkers } from "../workers/workers.ts";
import { StartupError } from "./startup-error.ts";

export interface HostOptions {
  /** Address to listen on. */
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Created when it is missing. Belongs to one host at a time. */
  readonly dataDir: string;
  /** With them, everything goes over TLS; replaced files are used from then on. */
  readonly tls: CertificateFiles | undefined;
  /** Processes that take connections; 1 = the host does that itself. */
  readonly workers: number;
  readonly limits: Limits;
  /** Those that are not at their default by chance. */
  readonly overriddenLimits: ReadonlySet<LimitName>;
  readonly isolation: Isolation;
  /** Nobody but this machine reaches the address. */
  readonly isLocalOnly: boolean;
  readonly logLevel: "info" | "debug";
  /** Receives one line of JSON for each event. */
  readonly logTo: { write(line: string): void };
}

export interface Host {
  readonly bind: string;
  readonly port: number;
  /** How instances are kept apart. */
  readonly isolation: "oci" | "process";
  /** Why not more strictly, where that was left to the host. */
  readonly isolationReason: string | undefined;
  /** Why services have no users of their own; undefined = they have. */
  readonly sharedUserReason: string | undefined;
  /** Takes no new calls, lets those under way finish, stops every instance. May be called twice. */
  close(): Promise<void>;
}

/** For answers that are still on their way when the last instance has stopped. */
const LAST_ANSWERS_MS = 1_000;

/**
 * Starts Lever on this machine: everything is put together here, and nowhere else.
 * @throws StartupError when the port or the data folder cannot be used; LeverError `malformed_request` for a certificate that
 * cannot be used.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { limits } = options;
  const clock = systemClock;
  countExternalMemory();
  const events = new EventLog();
  const log = createLog({ level: options.logLevel, to: options.logTo, clock }, events);
  const certificate = options.tls && (await readCertificate(options.tls));
  // What is to stay closed says so itself; code is for others to read.
  process.umask(0o022);
  makeDir(resolve(options.dataDir));
  // Its own name: Node loads modules, and judges access to them, by that.
  const dataDir = realpathSync(options.dataDir);
  const store = openStore(join(dataDir, "lever.sqlite"));
  try {
    const records = new ProcessRecords(join(dataDir, "processes"));
    const reaped = records.killOrphans();
    if (reaped.length > 0) log("warn", "processes", "orphaned processes killed", { pids: reaped });
    const code = new CodeStore(dataDir, limits);
    await code.open(store);
    const epochs = await openEpochs(store);
    const router = new Router({ limits, clock, nextEpoch: epochs });
    const { warmRuntimesMax } = limits;
    const opened = await openLauncher({
      isolation: options.isolation,
      dataDir,
      limits,
      records,
      hostValues: store,
      clock,
      log,
    });
    const { isolation, isolationReason, sharedUserReason } = opened;
    if (sharedUserReason !== undefined && process.getuid?.() === 0) {
      log("warn", "launcher", "services run as root", { reason: sharedUserReason });
    }
    const launcher = new WarmPool({
      launcher: opened.launcher,
      clock,
      warmRuntimesMax,
      startTimeoutMs: limits.startTimeoutMs,
    });
    const variables = new Variables({
      store,
      box: new SecretBox(join(dataDir, "secret.key")),
      clock,
    });
    const serviceDataDir = serviceFoldersDir(dataDir);
    const fleet = new Fleet({
      launcher,
      router,
      limits,
      clock,
      log,
      codeDirOf: (record) => code.codeDirOf(record),
      variablesOf: (environment, service) => variables.of(environment, service),
      serviceDataDir,
      makeDir,
      serveCall: serveInstanceCalls({ target: router, limits, log }),
    });
    const environments = await Environments.open({
      store,
      router,
      fleet,
      log,
      removeCode: (codeId) => code.remove(codeId),
      removeServiceData: (environment) => removeServiceData(dataDir, environment),
    });
    const deployer = new Deployer({
      store,
      code,
      environments,
      fleet,
      router,
      limits,
      clock,
      log,
    });
    const { wallTime } = clock;
    const isLocalOnly = options.isLocalOnly;
    const tokens = await TokenRegistry.open({ store, wallTime, isLocalOnly });
    const front = { ...options, certificate, access: tokens.index, router, clock, log };
    const workers =
      options.workers > 1 ? new GatewayWorkers({ ...front, tokens, records }) : undefined;
    startAdminService({
      tokens,
      wallTime,
      propagated: async () => await workers?.propagated(),
      environments,
      store,
      fleet,
      deployer,
      router,
      limits,
      overriddenLimits: options.overriddenLimits,
      events,
      pool: launcher,
      variables,
    });
    for await (const record of store.liveVersions()) goLive({ router, fleet }, record);
    const open = workers === undefined ? openGateway(front) : workers.open().then(() => workers);
    const gateway = await open.catch(async (error: unknown) => {
      await fleet.close();
      await launcher.close();
      await opened.close();
      throw cannotListen(options, error);
    });
    const users =
      sharedUserReason === undefined ? { users: "own" } : { users: "shared", sharedUserReason };
    const about = {
      isolation,
      ...(isolationReason && { isolationReason }),
      ...(isolation === "process" && users),
      ...(workers && { workers: options.workers }),
    };
    log("info", "host", "host started", {
      bind: options.bind,
      port: gateway.port,
      dataDir,
      ...about,
    });
    if (!isLocalOnly && !tokens.index.hasTokens) {
      const firstToken = firstTokenCommand(options, gateway.port, certificate);
      log("warn", "host", "no token configured", { firstToken });
    }
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      router.close();
      const drained = gateway.close();
      // Calls under way still need their instances: those finish them before they stop.
      await fleet.close();
      await launcher.close();
      await opened.close();
      // Nobody is left to answer; what was answered gets a moment to leave.
      await Promise.race([drained, delay(LAST_ANSWERS_MS, undefined, { ref: false })]);
      gateway.destroyConnections();
      await store.close();
      log("info", "host", "host stopped");
    };
    return {
      bind: options.bind,
      port: gateway.port,
      isolation,
      isolationReason: isolationReason,
      sharedUserReason: sharedUserReason,
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

const dataFolderProblems = {
  inUse: "dataFolderInUse",
  newer: "dataFolderNewer",
  older: "dataFolderOlder",
} as const;

function openStore(file: string): Store {
  try {
    return openSqliteStore(file);
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error;
    throw new StartupError(dataFolderProblems[error.problem], error.message, { cause: error });
  }
}

/**
 * Lets V8 weigh what is outside of its heap against all of the memory, as later versions do by themselves: this one
 * searches the whole heap after each 16 MB of bodies, which took half of the processor time of large calls.
 */
function countExternalMemory(): void {
  if (!process.versions.v8.startsWith("13.")) return;
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}

/** What makes the first token, to be typed on this machine. */
function firstTokenCommand(
  { bind }: HostOptions,
  port: number,
  certificate: Certificate | undefined,
): string {
  const address = bind === "0.0.0.0" || bind === "::" ? "127.0.0.1" : bind;
  const name = certificate === undefined ? address : nameFor(address, certificate);
  const authority = `${name.includes(":") ? `[${name}]` : name}:${port}`;
  const host = certificate === undefined ? authority : `https://${authority}`;
  return `lever -H ${host} token create --in '*' --rights admin`;
}

function cannotListen(options: HostOptions, error: unknown): unknown {
  if (error instanceof LeverError || !(error instanceof Error) || !("code" in error)) return error;
  const reason =
    error.code === "EADDRINUSE"
      ? "the port is in use"
      : error.code === "EACCES"
        ? "the port is reserved for root"
        : error.message;
  return new StartupError(
    "portUnavailable",
    `Cannot listen on ${options.bind}:${options.port}: ${reason}.`,
    { cause: error },
  );
}

function makeDir(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}
