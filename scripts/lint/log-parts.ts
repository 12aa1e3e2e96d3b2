/**
 * The log's field `part` names the part that logs: the list in packages/host/src/logs/parts.ts has the folders that the import
 * table has, and code logs as the folder it is in. Only compose/ logs for other parts.
 */
import { parts } from "../../packages/host/src/logs/parts.ts";
import { type ImportTable, readImportTable } from "./import-table.ts";
import { type Fault, isTest, lineAt, type Repository } from "./repository.ts";

const LIST = "packages/host/src/logs/parts.ts";

/** Rows of the table that log nothing: backups, time, the queue, the log itself, the counts, the exports, events, the state. `host` stands for compose. */
const silent: ReadonlySet<string> = new Set([
  "backup",
  "clock",
  "compose",
  "emitter",
  "index",
  "keyed-queue",
  "metrics",
  "parts",
  "state",
]);

const LOG_CALL = /\blog\(\s*(?:"\w+"|[\w.]+),\s*"([\w-]+)"/g;

export function logPartFaults({
  sources,
  architecture,
}: Pick<Repository, "sources" | "architecture">): readonly Fault[] {
  const expected = new Set(["host", ...loggingFolders(readImportTable(architecture))]);
  const listed: ReadonlySet<string> = new Set(parts);
  return [
    ...[...expected.difference(listed)].map((part) => listFault(`the part ${part} is missing`)),
    ...[...listed.difference(expected)].map((part) =>
      listFault(`the import table has no part ${part}`),
    ),
    ...sources.filter((file) => !isTest(file)).flatMap(foreignParts),
  ];
}

/** The host's folders in the import table, without those that log nothing. */
function loggingFolders(table: ImportTable): readonly string[] {
  return [...table.keys()].flatMap((part) => {
    const [scope, folder = "", ...inner] = part.split("/");
    return scope === "host" && inner.length === 0 && !silent.has(folder) ? [folder] : [];
  });
}

function listFault(reason: string): Fault {
  return { path: LIST, line: 1, reason };
}

/** Log calls under the name of a part that the file does not belong to. */
function foreignParts({ path, text }: { path: string; text: string }): readonly Fault[] {
  const [, folder] = /^packages\/host\/src\/([\w-]+)\//.exec(path) ?? [];
  if (folder === undefined || folder === "compose") return [];
  return [...text.matchAll(LOG_CALL)].flatMap(({ 1: part, index }) =>
    part === folder
      ? []
      : [{ path, line: lineAt(text, index), reason: `logs as ${part}, but is part of ${folder}` }],
  );
}
