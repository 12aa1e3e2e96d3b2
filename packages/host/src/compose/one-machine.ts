import { availableParallelism, hostname } from "node:os";
import type { DeployReport, LimitName, Limits } from "@leveros/protocol";
import { startAdminService } from "../admin/admin-service.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { CodeEntry } from "../deployer/copy-entries.ts";
import { openRedirects } from "../gateway/http/redirects.ts";
import type { Listener } from "../gateway/listener.ts";
import { Readiness } from "../gateway/platform/readiness.ts";
import { readCertificate, tlsFiles } from "../gateway/tls/certificate.ts";
import type { CertificateSource } from "../gateway/tls/certificate-pairs.ts";
import { MetricHistory } from "../history/metric-history.ts";
import { RecentTraffic } from "../history/recent-traffic.ts";
import type { Isolation } from "../launcher/open-launcher.ts";
import { EventLog } from "../logs/event-log.ts";
import { createLog } from "../logs/log.ts";
import { BusyTime } from "../processes/busy-time.ts";
import { withVolatileVersions } from "../store/volatile-versions.ts";
import { parseOtlpTarget } from "../traces/otlp-target.ts";
import { defaultWorkers, lackOfCores } from "../workers/default-workers.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterOptions } from "./cluster-options.ts";
import type { DevelopmentOptions } from "./development.ts";
import { createFront } from "./front.ts";
import { readHostFacts } from "./host-facts.ts";
import { type HostParts, openHostParts } from "./host-parts.ts";
import { hostVersion } from "./host-version.ts";
import { observe } from "./observe.ts";
import { dataFolderFailure, openData, refuseClusterFolder } from "./open-data.ts";
import { setUpProcess } from "./process-setup.ts";
import { firstTokenCommand, isolationFields, WITHOUT_TOKEN } from "./start-messages.ts";
import { listenFailure } from "./startup-error.ts";
import { StoreCopies } from "./store-copies.ts";

export type { CodeEntry };

export interface HostOptions {
  /** Address to listen on. */
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Created when it is missing. Only one host may use it at a time. */
  readonly dataDir: string;
  /** With certificates, the host serves TLS only. When the files change, it reads them again. */
  readonly tls: CertificateSource | undefined;
  /** Host names, in lower case, that the console may have beside those of the machine and the certificate. Default: none. */
  readonly consoleHosts?: readonly string[];
  /** A port without TLS, whose requests are redirected to the other one. Default: none. */
  readonly redirect?: { readonly port: number; readonly acmeDir: string | undefined } | undefined;
  /** Processes that take connections; 1 = the host itself. undefined = by the machine's cores. */
  readonly workers: number | undefined;
  readonly limits: Limits;
  /** The limits that the user has set. */
  readonly overriddenLimits: ReadonlySet<LimitName>;
  readonly isolation: Isolation;
  /** Only this machine reaches the address. */
  readonly isLocalOnly: boolean;
  /** The collector that traces are sent to; undefined = none. */
  readonly otlp: { readonly endpoint: string; readonly headers: string | undefined } | undefined;
  readonly logLevel: "info" | "debug";
  /** The log has what instances print, too. */
  readonly showsOutput: boolean;
  /** The services are being developed on this machine. Default: they are not. */
  readonly development?: DevelopmentOptions;
  /** The host is one of several. Default: it is not. */
  readonly cluster?: ClusterOptions | undefined;
  /** Receives one line of JSON for each event. */
  readonly logTo: { write(line: string): void };
}

export interface Host {
  readonly bind: string;
  readonly port: number;
  /** Processes that take connections; 1 = the host itself. */
  readonly workers: number;
  /** How instances are isolated. */
  readonly isolation: "oci" | "process";
  /** Why they are not in containers, when the host chose that. */
  readonly isolationReason: string | undefined;
  /** Why all services run as Lever's user; undefined = each has its own. */
  readonly sharedUserReason: string | undefined;
  /** The access of callers, in one line, when no token existed at the start. */
  readonly access: string | undefined;
  /**
   * Deploys the service whose files are on this machine. They are copied, and its version is not stored.
   * @throws LeverError as a deploy.
   */
  deploy(environment: string, entries: readonly CodeEntry[]): Promise<DeployReport>;
  /** Takes no new calls, waits for the calls in flight, stops every instance. May be called twice. */
  close(): Promise<void>;
}

/** For replies that are still being sent when the last instance has stopped. */
const LAST_REPLIES_MS = 1_000;

/**
 * Starts Lever on this machine, with its store in a file.
 * @throws StartupError when the port or the data folder cannot be used; LeverError for a certificate or an isolation that
 * cannot be used.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { bind, port, limits, isLocalOnly } = options;
  const cores = availableParallelism();
  const { workers = defaultWorkers(cores, process.platform) } = options;
  setUpProcess();
  const clock = systemClock;
  const busyTime = new BusyTime();
  const certificate = options.tls && (await readCertificate(await tlsFiles(options.tls)));
  const otlpTarget = options.otlp && parseOtlpTarget(options.otlp.endpoint, options.otlp.headers);
  const { folder, store: durable } = openData(options.dataDir);
  const store = options.development === undefined ? durable : withVolatileVersions(durable);
  const events = new EventLog({ dir: folder.eventsDir, clock });
  const hostName = options.cluster && (options.cluster.hostName ?? hostname());
  const log = createLog({ level: options.logLevel, to: options.logTo, clock, hostName }, events);
  const readiness = new Readiness();
  let parts: HostParts | undefined;
  let listener: Listener | undefined;
  let cluster: Cluster | undefined;
  try {
    if (options.cluster === undefined) await refuseClusterFolder(durable, folder.dir);
    else {
      // One machine does not load it.
      const { Cluster } = await import("./cluster.ts");
      const about = { options: options.cluster, folder, store, clock, log };
      cluster = await Cluster.open({ ...about, bind, limits });
    }
    const shared = { limits, isLocalOnly, clock, log };
    const { isolation, showsOutput, development } = options;
    const given = { folder, store, isolation, showsOutput, development, shared: cluster?.shared };
    const host = await openHostParts({ ...shared, ...given });
    parts = host;
    if (otlpTarget !== undefined) await host.calls?.exportTo(otlpTarget);
    const { consoleHosts = [] } = options;
    const about = { readiness, bind, port, workers, certificate, consoleHosts };
    const front = createFront({ ...shared, ...about }, host);
    const history = new MetricHistory({
      dir: folder.metricsDir,
      meters: host.meters,
      observe: () => observe(host),
      clock,
      log,
    });
    const recent = new RecentTraffic(host.meters.services, clock);
    const startedAt = clock.wallTime() - process.uptime() * 1_000;
    const where = { certificate, workers, isLocalOnly, bind, hostName };
    const facts = { parts: host, folder, readiness, ...where };
    const endAdminStreams = startAdminService({
      ...host,
      limits,
      overriddenLimits: options.overriddenLimits,
      events,
      clock,
      log,
      wallTime: clock.wallTime,
      async propagated() {
        await front.propagated();
        return (await cluster?.acknowledged()) ?? [];
      },
      cluster,
      gateways: front.gateways,
      history,
      recent,
      busyTime,
      version: hostVersion(),
      startedAt,
      hostFacts: () => readHostFacts({ ...facts, startedAt, port: listener?.port ?? port }),
    });
    cluster?.member.drainChanged.add((isDraining) => readiness.change({ isDraining }));
    await cluster?.start(host, front.propagated);
    await host.serve();
    cluster?.serve();
    const listening = await front.open().catch((error: unknown) => {
      throw listenFailure({ bind, port }, error);
    });
    listener = listening;
    await host.listens(listening.port);
    const redirected =
      options.redirect && (await openRedirects({ ...options.redirect, bind }, listening.port, log));
    const copies = new StoreCopies({
      store,
      storeFile: folder.storeFile,
      file: folder.storeCopyFile,
      removed: host.removedArchives,
      clock,
      log,
    });
    copies.start();
    history.start();
    recent.start();
    readiness.change({ phase: "running" });
    const access = host.tokens.index.hasTokens ? undefined : WITHOUT_TOKEN;
    const reason = lackOfCores(workers, cores);
    if (reason !== undefined) {
      log("warn", "workers", "workers lack cores", { workers, cores, reason });
    }
    log("info", "host", "host started", {
      bind,
      port: listening.port,
      dataDir: folder.dir,
      ...isolationFields(host.launcher),
      ...(workers > 1 && { workers }),
      ...(access && { access }),
    });
    if (!isLocalOnly && access !== undefined) {
      const firstToken = firstTokenCommand({ bind, port: listening.port }, certificate);
      log("warn", "host", "no token configured", { firstToken });
    }
    const close = async (): Promise<void> => {
      // Until the calls in flight have ended, connections are still accepted: `/-/ready` says why new calls are refused.
      readiness.change({ phase: "stopping" });
      cluster?.stop();
      host.router.close();
      endAdminStreams();
      // The calls in flight still need their instances.
      await host.close();
      redirected?.close();
      const drained = listening.close();
      await withTimeLimit(drained, LAST_REPLIES_MS, clock);
      listening.destroyConnections();
      await copies.close();
      recent.close();
      await history.close();
      await cluster?.close();
      await store.close();
      log("info", "host", "host stopped");
      await events.flush();
    };
    let closing: Promise<void> | undefined;
    return {
      bind,
      port: listening.port,
      workers,
      isolation: host.launcher.isolation,
      isolationReason: host.launcher.isolationReason,
      sharedUserReason: host.launcher.sharedUserReason,
      access,
      async deploy(environment, entries) {
        const report = await host.deployer.deploy(environment, entries);
        await front.propagated();
        return report;
      },
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    // Nothing that is left may keep the process alive.
    const closed = listener?.close();
    listener?.destroyConnections();
    await parts?.close();
    await closed;
    await cluster?.close();
    await store.close();
    throw dataFolderFailure(folder.dir, error);
  }
}

/** Resolves when the work is done, or after so many milliseconds. */
async function withTimeLimit(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  let timer: unknown;
  const limit = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]);
  clock.clearTimeout(timer);
}
