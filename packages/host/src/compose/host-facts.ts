import { X509Certificate } from "node:crypto";
import { readFile, stat, statfs } from "node:fs/promises";
import { hostname } from "node:os";
import type { HostFacts } from "../admin/host-facts.ts";
import { isoTime } from "../clock.ts";
import type { Readiness } from "../gateway/platform/readiness.ts";
import type { Certificate } from "../gateway/tls/certificate.ts";
import type { DataFolder } from "./data-folder.ts";
import type { HostParts } from "./host-parts.ts";
import { hostVersion } from "./host-version.ts";
import { firstTokenCommand } from "./start-messages.ts";

export interface HostFactsOptions {
  readonly parts: Pick<HostParts, "launcher" | "tokens">;
  readonly folder: DataFolder;
  readonly readiness: Readiness;
  readonly certificate: Certificate | undefined;
  readonly workers: number;
  readonly isLocalOnly: boolean;
  /** In a cluster; undefined = the host is the only one. */
  readonly hostName: string | undefined;
  readonly bind: string;
  readonly port: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** Reads the facts of a host that its other parts do not have. */
export async function readHostFacts(options: HostFactsOptions): Promise<HostFacts> {
  const { parts, folder, readiness, certificate, workers, isLocalOnly, bind, port } = options;
  const { isolation, isolationReason, sharedUserReason } = parts.launcher;
  const { bsize, blocks, bavail } = await statfs(folder.dir);
  const isOpen = !isLocalOnly && !parts.tokens.index.hasTokens;
  return {
    version: hostVersion(),
    node: process.version.slice(1),
    machine: hostname(),
    host: options.hostName,
    pid: process.pid,
    startedAt: isoTime(options.startedAt),
    notReady: readiness.obstacle ?? null,
    bind,
    port,
    tls: certificate !== undefined,
    workers: { wanted: workers, running: workers - readiness.state.workersMissing },
    isolation,
    isolationReason,
    sharedUserReason: process.getuid?.() === 0 ? sharedUserReason : undefined,
    certificateEndsAt: certificate && (await endOf(certificate)),
    firstTokenCommand: isOpen ? firstTokenCommand({ bind, port }, certificate) : undefined,
    disk: { dataDir: folder.dir, freeBytes: bavail * bsize, totalBytes: blocks * bsize },
    database: {
      bytes: (await fileOf(folder.storeFile))?.size ?? 0,
      copiedAt: copyTime(await fileOf(folder.storeCopyFile)),
    },
  };
}

/** undefined = there is no such file. */
async function fileOf(path: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  return await stat(path).catch(() => undefined);
}

function copyTime(copy: { mtimeMs: number } | undefined): string | null {
  return copy === undefined ? null : isoTime(copy.mtimeMs);
}

/** The files may have been replaced since the start. */
async function endOf({ certFile }: Certificate): Promise<number | undefined> {
  try {
    return new X509Certificate(await readFile(certFile)).validToDate.getTime();
  } catch {
    return undefined;
  }
}
