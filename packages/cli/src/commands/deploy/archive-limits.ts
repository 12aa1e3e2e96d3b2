import {
  type ArchiveLimits,
  type ArchiveTerms,
  defaultLimits,
  WORKSPACE_FOLDER,
} from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { formatBytes } from "../../quantity.ts";
import type { Settings } from "../../settings.ts";
import { bytesOf, type CodeEntry } from "./contents/contents.ts";

const LARGEST_SHOWN = 5;

/** The sizes that limits bound. */
export interface ArchiveSizes {
  readonly archiveBytes: number;
  readonly unpackedBytes: number;
  /** Entries, and the folders above them. */
  readonly entries: number;
}

/**
 * Asks the host which archives it accepts. Returns the defaults when it cannot be asked: the host checks an archive
 * again, and whether it can be reached shows the upload.
 */
export async function readArchiveTerms(
  settings: Settings,
  { adminEnvironment, service }: { adminEnvironment: string; service: string },
): Promise<ArchiveTerms> {
  try {
    const terms = await callAdmin(
      { ...settings, adminEnvironment },
      "listArchiveLimits",
      settings.environment,
      service,
    );
    const names = ["archiveBytesMax", "unpackedBytesMax", "archiveEntriesMax"] as const;
    return names.every((name) => Number.isSafeInteger(terms[name])) ? terms : defaultLimits;
  } catch {
    return defaultLimits;
  }
}

/** The number of paths in an archive: of its entries, and of the folders above them. */
export function countPaths(entries: readonly CodeEntry[]): number {
  const paths = new Set<string>();
  for (const { path } of entries) {
    for (
      let at = path;
      at !== "" && !paths.has(at);
      at = at.slice(0, Math.max(0, at.lastIndexOf("/")))
    ) {
      paths.add(at);
    }
  }
  return paths.size;
}

/** The sentences about an archive that is too large: its size, the limit, its largest parts, and what helps. */
export function describeTooLarge(
  sizes: Partial<ArchiveSizes>,
  limits: ArchiveLimits,
  entries: readonly CodeEntry[],
): readonly string[] {
  const { archiveBytes = 0, unpackedBytes = 0, entries: count = 0 } = sizes;
  const excess: string[] = [];
  if (archiveBytes > limits.archiveBytesMax) {
    excess.push(
      `its archive has ${exactBytes(archiveBytes)}; the host's limit archiveBytesMax is ${exactBytes(limits.archiveBytesMax)}.`,
    );
  }
  if (unpackedBytes > limits.unpackedBytesMax) {
    excess.push(
      `unpacked it has ${exactBytes(unpackedBytes)}; the host's limit unpackedBytesMax is ${exactBytes(limits.unpackedBytesMax)}.`,
    );
  }
  if (count > limits.archiveEntriesMax) {
    excess.push(
      `it has ${count} files and folders; the host's limit archiveEntriesMax is ${limits.archiveEntriesMax}.`,
    );
  }
  if (excess.length === 0) return [];
  const largest = largestParts(entries).map(
    ({ part, bytes, files }) => `  ${formatBytes(bytes).padStart(7)}  ${part} (${files} files)`,
  );
  return [
    ...excess,
    "Its largest parts, unpacked:",
    ...largest,
    "List what the service does not need in .leverignore, and packages that only development needs in devDependencies.",
    "To raise a limit, start the host with: lever up --limit <name>=<value>",
  ];
}

/** `31.5 MB (31457280 bytes)`: rounded sizes may look equal. */
function exactBytes(bytes: number): string {
  return `${formatBytes(bytes)} (${bytes} bytes)`;
}

interface Part {
  readonly part: string;
  bytes: number;
  files: number;
}

/** The largest installed packages and folders. Files at the top are parts, too. */
export function largestParts(entries: readonly CodeEntry[]): readonly Part[] {
  const parts = new Map<string, Part>();
  for (const entry of entries) {
    if (entry.kind !== "file") continue;
    const part = partOf(entry.path);
    const known = parts.get(part) ?? { part, bytes: 0, files: 0 };
    known.bytes += bytesOf(entry);
    known.files++;
    parts.set(part, known);
  }
  return [...parts.values()].sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST_SHOWN);
}

/** The package of an installed file; else the folder at the top that it is in. */
export function partOf(path: string): string {
  const segments = path.split("/");
  const at = segments.lastIndexOf("node_modules");
  if (at === -1) return segments[0] ?? path;
  if (segments[at + 1] === WORKSPACE_FOLDER)
    return segments.slice(0, Math.min(at + 4, segments.length - 1)).join("/");
  return segments.slice(0, at + (segments[at + 1]?.startsWith("@") === true ? 3 : 2)).join("/");
}
