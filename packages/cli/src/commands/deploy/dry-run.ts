import { formatBytes, formatCount } from "../../quantity.ts";
import { formatTable } from "../../table.ts";
import { bytesOf, type CodeEntry } from "./contents/contents.ts";

export interface DryRun {
  readonly service: string;
  readonly environment: string;
  readonly entries: readonly CodeEntry[];
  readonly archiveBytes: number;
}

/** Lists what would be deployed, with sizes. Folders are left out. */
export function formatDryRun({ service, environment, entries, archiveBytes }: DryRun): string {
  const files = entries.filter(({ kind }) => kind !== "folder");
  const rows = files.map((entry) =>
    entry.kind === "link"
      ? ["link", `${entry.path} -> ${entry.target}`]
      : [formatBytes(bytesOf(entry)), entry.path],
  );
  return [
    formatTable([["SIZE", "FILE"], ...rows]),
    "",
    `Would deploy ${service} to ${environment}: ${formatCount(files.length, "file", "files")} of ${formatBytes(sumOf(entries))}, archive ${formatBytes(archiveBytes)}. Nothing was sent.`,
  ].join("\n");
}

/** The list for scripts, with folders. */
export function dryRunJson({ service, environment, entries, archiveBytes }: DryRun): string {
  const listed = entries.map((entry) => ({
    path: entry.path,
    kind: entry.kind === "text" ? "file" : entry.kind,
    bytes: bytesOf(entry),
    ...(entry.kind === "link" && { target: entry.target }),
  }));
  const unpackedBytes = sumOf(entries);
  return JSON.stringify({ service, environment, archiveBytes, unpackedBytes, entries: listed });
}

function sumOf(entries: readonly CodeEntry[]): number {
  return entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
}
