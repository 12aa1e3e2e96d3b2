// One file, although long: it makes each part of a host, and passes it those that it needs.
import { join } from "node:path";
import type { Limits } from "@leveros/protocol";
import { TokenRegistry } from "../access/token-registry.ts";
import { Backups } from "../backup/backups.ts";
import type { Clock } from "../clock.ts";
import type { Archives } from "../deployer/archives.ts";
import { CodeStore } from "../deployer/code-store.ts";
import { Deployer } from "../deployer/deployer.ts";
import { KeptVersions } from "../deployer/kept-files.ts";
import { ServiceRemovals } from "../deployer/service-removals.ts";
import { transformCode } from "../deployer/transform.ts";
import { VersionFiles } from "../deployer/version-files.ts";
import { WarmCompiler } from "../deployer/warm-compiler.ts";
import { Environments } from "../environments/environments.ts";
import { Routes } from "../environments/routes.ts";
import { SecretBox } from "../environments/secret-box.ts";
import { type SecretSeal, Variables } from "../environments/variables.ts";
import { Fleet } from "../fleet/fleet.ts";
import { KeyedQueue } from "../keyed-queue.ts";
import { removeLeftovers } from "../launcher/leftovers.ts";
import { type Isolation, type OpenedLauncher, openLauncher } from "../launcher/open-launcher.ts";
import { removeServiceData, serviceFoldersDir } from "../launcher/service-data.ts";
import { WarmPool } from "../launcher/warm-pool.ts";
import type { Log } from "../logs/log.ts";
import { LogBook } from "../logs/log-book.ts";
import { HostMeters } from "../metrics/host-meters.ts";
import { ProcessRecords } from "../processes/process-records.ts";
import { Router, type RouterOptions } from "../router/router.ts";
import { serveInstanceCalls } from "../router/serve-instance-calls.ts";
import { Applier } from "../state/applier.ts";
import { applyAtOnce, type Commit, State } from "../state/state.ts";
import { openEpochs } from "../store/epochs.ts";
import type { VersionRecord } from "../store/records.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import { CallHistory } from "../traces/call-history.ts";
import { type DataFolder, makeDir } from "./data-folder.ts";
import { type DevelopmentOptions, developedVariables } from "./development.ts";
import { instanceMeter } from "./instance-meter.ts";
import { runningCalls } from "./running-calls.ts";
import type { StoreCopiesOptions } from "./store-copies.ts";

export interface HostPartsOptions {
  readonly folder: DataFolder;
  readonly store: SqliteStore;
  readonly limits: Limits;
  readonly isolation: Isolation;
  readonly isLocalOnly: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly showsOutput: boolean;
  readonly development?: DevelopmentOptions | undefined;
  /** undefined = the state is this host's alone. */
  readonly shared?: SharedState | undefined;
}

/** The state of several hosts, of which the store of this one has a copy. */
export interface SharedState {
  /** Gets the changes of all hosts. */
  readonly applier: Applier;
  readonly commit: Commit;
  readonly archives: Archives;
  /** See `DeployerOptions`. */
  readonly prepareElsewhere: (version: VersionRecord) => Promise<void>;
  readonly box: SecretSeal;
  /** The id of the key of `box`. */
  readonly keyId: string;
  /** The file of the key of `box`. */
  readonly keyFile: string;
  /** The store has what the database had when this host started. */
  readonly isCurrent: boolean;
  /** Where calls go that no instance of this host takes. */
  readonly others: RouterOptions["others"];
}

/** The parts of a host behind its gateway: everything that does not depend on how the host is reached. */
export interface HostParts {
  readonly store: SqliteStore;
  readonly state: State;
  readonly records: ProcessRecords;
  readonly router: Router;
  readonly meters: HostMeters;
  readonly pool: WarmPool;
  readonly variables: Variables;
  readonly logs: LogBook;
  readonly fleet: Fleet;
  readonly environments: Environments;
  readonly routes: Routes;
  readonly deployer: Deployer;
  readonly removals: ServiceRemovals;
  readonly keptVersions: KeptVersions;
  readonly versionFiles: VersionFiles;
  readonly tokens: TokenRegistry;
  readonly backups: Backups;
  /** undefined = the host remembers no calls. */
  readonly calls: CallHistory | undefined;
  /** Resolves when this host has the archive of a version. */
  obtainArchive(codeId: string): Promise<void>;
  /** See `StoreCopies`. */
  readonly removedArchives: StoreCopiesOptions["removed"];
  readonly launcher: Omit<OpenedLauncher, "launcher" | "openServiceData" | "close">;
  /** Serves the live version of every service. */
  serve(): Promise<void>;
  /** The host listens on this port. */
  listens(port: number): Promise<void>;
  /** Stops every instance after its calls, and then the launcher. The store stays open. */
  close(): Promise<void>;
}

/** Puts a host's parts together, each after those that it needs. */
export async function openHostParts(options: HostPartsOptions): Promise<HostParts> {
  const { folder, store, limits, clock, log, development, shared } = options;
  const { notes } = store;
  const applier = shared?.applier ?? new Applier();
  const state = new State(store, shared?.commit ?? applyAtOnce(store, applier));
  const dataDir = folder.dir;
  const records = new ProcessRecords(folder.processesDir);
  const orphans = records.killOrphans();
  const left = await removeLeftovers(clock);
  const pids = [...orphans, ...left.pids];
  if (pids.length > 0) log("warn", "processes", "orphaned processes killed", { pids });
  if (left.hosts.length + left.problems.length > 0) {
    log("warn", "launcher", "leftovers removed", { hosts: left.hosts, problems: left.problems });
  }
  const code = new CodeStore(dataDir, limits, shared?.archives);
  await code.open(notes, shared?.isCurrent === false ? undefined : await store.codeIds());
  const meters = new HostMeters(limits, clock.now());
  const { services, refusals } = meters;
  const nextEpoch = await openEpochs(notes);
  const counting = limits.metricSeriesMax === 0 ? {} : { meters: services, refusals };
  const calls =
    limits.callsRememberedMax === 0
      ? undefined
      : new CallHistory({
          limits,
          dir: folder.callsDir,
          clock,
          log,
          running: (environment) => runningCalls(fleet, environment),
          onSpanDropped(environment, service) {
            services.of(environment, service).spansDropped++;
          },
        });
  const { others } = shared ?? {};
  const router = new Router({ limits, clock, nextEpoch, recorder: calls, others, ...counting });
  const launcher = await openLauncher({
    isolation: options.isolation,
    dataDir,
    limits,
    records,
    notes,
    clock,
    log,
    development,
  });
  const { sharedUserReason } = launcher;
  if (sharedUserReason !== undefined && development === undefined && process.getuid?.() === 0) {
    log("warn", "launcher", "services run as root", { reason: sharedUserReason });
  }
  const pool = new WarmPool({
    launcher: launcher.launcher,
    clock,
    warmRuntimesMax: limits.warmRuntimesMax,
    startTimeoutMs: limits.startTimeoutMs,
  });
  const box = shared?.box ?? new SecretBox(folder.secretKeyFile);
  const variables = new Variables({ store, state, box, clock, limits });
  const unreadable = await variables.findUnreadable();
  if (unreadable !== undefined) {
    const keyFile = shared?.keyFile ?? folder.secretKeyFile;
    log("error", "environments", "secrets not readable", { ...unreadable, keyFile });
  }
  const logs = new LogBook({ dir: folder.logsDir, limits, clock, log });
  const fleet: Fleet = new Fleet({
    launcher: pool,
    router,
    limits,
    clock,
    log,
    logs,
    showsOutput: options.showsOutput,
    codeDirOf: (record) => deployer.codeDirOf(record),
    async variablesOf(environment, service) {
      const set = await variables.of(environment, service);
      return development === undefined ? set : await developedVariables(set, service, development);
    },
    serviceDataDir: serviceFoldersDir(dataDir),
    makeDir,
    serveCall: serveInstanceCalls({ target: router, limits, log }),
    meter: instanceMeter(meters, calls),
  });
  const environments = new Environments({
    store,
    state,
    notes,
    router,
    fleet,
    log,
    isShared: shared !== undefined,
    removeCode: (codeId) => code.remove(codeId),
    async removeServiceData(environment) {
      await removeServiceData(dataDir, environment);
      await logs.remove(environment);
    },
  });
  const compiler = development && new WarmCompiler(limits);
  applier.add((applied) => environments.apply(applied));
  await environments.open();
  const routes = new Routes({ store, state, router });
  applier.add((applied) => routes.apply(applied));
  await routes.open();
  const keptVersions = new KeptVersions({ store, code, limits });
  const turns = new KeyedQueue();
  const removals = new ServiceRemovals({
    store,
    state,
    notes,
    code,
    environments,
    router,
    fleet,
    turns,
    async removeServiceData(...service) {
      await removeServiceData(dataDir, ...service);
      await logs.remove(...service);
    },
    log,
  });
  applier.add((applied) => removals.apply(applied));
  await removals.finishAll();
  const deployer: Deployer = new Deployer({
    store,
    state,
    code,
    keptVersions,
    environments,
    removals,
    turns,
    fleet,
    router,
    limits,
    clock,
    log,
    prepareElsewhere: shared?.prepareElsewhere,
    async transform(service) {
      if (compiler !== undefined) return await compiler.transform(service);
      const serviceDir = join(serviceFoldersDir(dataDir), service.environment, service.service);
      makeDir(serviceDir);
      // Not from the pool, which would keep runtimes of this size warm.
      const options = { launcher: launcher.launcher, limits, clock };
      await transformCode(options, { ...service, dataDir: serviceDir });
    },
  });
  applier.add((applied) => deployer.apply(applied));
  const tokens = await TokenRegistry.open({
    store,
    state,
    wallTime: clock.wallTime,
    isLocalOnly: options.isLocalOnly,
  });
  applier.add((applied) => tokens.apply(applied));
  return {
    store,
    state,
    records,
    router,
    meters,
    pool,
    variables,
    logs,
    fleet,
    environments,
    routes,
    deployer,
    removals,
    keptVersions,
    versionFiles: new VersionFiles({
      store,
      code,
      codeDirOf: (record) => deployer.codeDirOf(record),
      limits,
    }),
    tokens,
    backups: new Backups({
      dataDir,
      store,
      async linkArchive(codeId, dir) {
        // A lost one is a part of the report.
        if (shared !== undefined) await code.obtain(codeId).catch(() => {});
        return await code.linkArchive(codeId, dir);
      },
      openServiceData: launcher.openServiceData,
      keyId: shared?.keyId,
      clock,
    }),
    calls,
    obtainArchive: (codeId) => code.obtain(codeId),
    removedArchives: {
      names: () => code.removedNames(),
      delete: (names) => code.deleteRemoved(names),
    },
    launcher,
    async serve() {
      for await (const record of store.liveVersions()) await deployer.goLive(record);
    },
    listens: async (port) => await launcher.launcher.network?.protectPort(port),
    async close() {
      await fleet.close();
      await pool.close();
      await compiler?.close();
      await launcher.close();
      await logs.close();
      await calls?.close();
    },
  };
}
