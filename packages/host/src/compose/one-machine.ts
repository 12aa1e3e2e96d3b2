import type { LimitName, Limits } from "@leveros/protocol";
import { startAdminService } from "../admin/admin-service.ts";
import { type Clock, systemClock } from "../clock.ts";
import { type CertificateFiles, readCertificate } from "../gateway/tls/certificate.ts";
import type { Isolation } from "../launcher/open-launcher.ts";
import { EventLog } from "../logs/event-log.ts";
import { createLog } from "../logs/log.ts";
import { openSqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import { StoreOpenError } from "../store/store-open-error.ts";
import { openDataFolder } from "./data-folder.ts";
import { createFront } from "./front.ts";
import { openHostParts } from "./host-parts.ts";
import { setUpProcess } from "./process-setup.ts";
import { firstTokenCommand, isolationFields } from "./start-messages.ts";
import { listenFailure, StartupError } from "./startup-error.ts";

export interface HostOptions {
  /** Address to listen on. */
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Created when it is missing. Only one host may use it at a time. */
  readonly dataDir: string;
  /** With them, the host serves TLS only. When the files change, it reads them again. */
  readonly tls: CertificateFiles | undefined;
  /** Processes that take connections; 1 = the host itself. */
  readonly workers: number;
  readonly limits: Limits;
  /** The limits that the user has set. */
  readonly overriddenLimits: ReadonlySet<LimitName>;
  readonly isolation: Isolation;
  /** Only this machine reaches the address. */
  readonly isLocalOnly: boolean;
  readonly logLevel: "info" | "debug";
  /** Receives one line of JSON for each event. */
  readonly logTo: { write(line: string): void };
}

export interface Host {
  readonly bind: string;
  readonly port: number;
  /** How instances are isolated. */
  readonly isolation: "oci" | "process";
  /** Why they are not in containers, when the host chose that. */
  readonly isolationReason: string | undefined;
  /** Why all services run as Lever's user; undefined = each has its own. */
  readonly sharedUserReason: string | undefined;
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
  const { bind, port, limits, isLocalOnly, workers } = options;
  setUpProcess();
  const clock = systemClock;
  const events = new EventLog();
  const log = createLog({ level: options.logLevel, to: options.logTo, clock }, events);
  const certificate = options.tls && (await readCertificate(options.tls));
  const folder = openDataFolder(options.dataDir);
  const store = openStore(folder.storeFile);
  try {
    const shared = { limits, isLocalOnly, clock, log };
    const { isolation } = options;
    const parts = await openHostParts({ ...shared, folder, store, isolation });
    const front = createFront({ ...shared, bind, port, workers, certificate }, parts);
    startAdminService({
      ...parts,
      limits,
      overriddenLimits: options.overriddenLimits,
      events,
      wallTime: clock.wallTime,
      propagated: front.propagated,
    });
    await parts.serve();
    const listener = await front.open().catch(async (error: unknown) => {
      await parts.close();
      throw listenFailure({ bind, port }, error);
    });
    await parts.listens(listener.port);
    log("info", "host", "host started", {
      bind,
      port: listener.port,
      dataDir: folder.dir,
      ...isolationFields(parts.launcher),
      ...(workers > 1 && { workers }),
    });
    if (!isLocalOnly && !parts.tokens.index.hasTokens) {
      const firstToken = firstTokenCommand({ bind, port: listener.port }, certificate);
      log("warn", "host", "no token configured", { firstToken });
    }
    const close = async (): Promise<void> => {
      parts.router.close();
      const drained = listener.close();
      // The calls in flight still need their instances.
      await parts.close();
      await withTimeLimit(drained, LAST_REPLIES_MS, clock);
      listener.destroyConnections();
      await store.close();
      log("info", "host", "host stopped");
    };
    let closing: Promise<void> | undefined;
    return {
      bind,
      port: listener.port,
      isolation: parts.launcher.isolation,
      isolationReason: parts.launcher.isolationReason,
      sharedUserReason: parts.launcher.sharedUserReason,
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

/** Resolves when the work is done, or after so many milliseconds. */
async function withTimeLimit(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  let timer: unknown;
  const limit = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]);
  clock.clearTimeout(timer);
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
