/** Every import in packages/<package>/src follows the table "Who may import whom" of ARCHITECTURE.md. Tests may import anything. */
import { importedPath, importsOf } from "./imports.ts";
import { type Fault, isTest, type Repository, type TextFile } from "./repository.ts";

/** Parts and those that each may import. */
export type ImportTable = ReadonlyMap<string, ReadonlySet<string>>;

/** Packages by the name that they are imported by. */
const packages: Readonly<Record<string, string>> = {
  "@leveros/protocol": "protocol",
  leveros: "client",
  "@leveros/runtime": "runtime",
  "@leveros/host": "host",
  "@leveros/cli": "cli",
  "@leveros/console": "console",
};

/** Every part of the host may import these. */
const everywhere: ReadonlySet<string> = new Set(["protocol", "host/clock", "host/logs"]);

export function readImportTable({ text }: TextFile): ImportTable {
  const section = text.split("\n## ").find((part) => part.startsWith("Who may import whom"));
  const table = new Map<string, ReadonlySet<string>>();
  for (const [, part = "", allowed = ""] of (section ?? "").matchAll(
    /^\| ([\w/-]+) \| ([^|]+) \|$/gm,
  )) {
    table.set(part, new Set(allowed.split(",").map((name) => name.trim())));
  }
  table.delete("part");
  return table;
}

export function importTableFaults({
  sources,
  architecture,
}: Pick<Repository, "sources" | "architecture">): readonly Fault[] {
  const table = readImportTable(architecture);
  if (table.size === 0) {
    return [{ path: architecture.path, line: 1, reason: "the import table is missing" }];
  }
  return sources.filter((file) => !isTest(file)).flatMap((file) => faultsOf(file, table));
}

function faultsOf(file: TextFile, table: ImportTable): readonly Fault[] {
  const part = partOf(file.path, table);
  if (part === undefined) {
    const reason = "no row of the import table in ARCHITECTURE.md covers this file";
    return [{ path: file.path, line: 1, reason }];
  }
  return importsOf(file).flatMap(({ specifier, line }) => {
    const target = partOfImport(file, specifier, table);
    if (target === undefined || mayImport(part, target, table)) return [];
    return [{ path: file.path, line, reason: `${part} may not import ${target}` }];
  });
}

/** The part that a file belongs to: the row of the table with the longest path that leads to it. */
export function partOf(path: string, table: ImportTable): string | undefined {
  const [, name = "", , ...rest] = path.replace(/\.tsx?$/, "").split("/");
  for (let length = rest.length; length >= 0; length--) {
    const part = [name, ...rest.slice(0, length)].join("/");
    if (table.has(part)) return part;
  }
  return undefined;
}

function partOfImport(file: TextFile, specifier: string, table: ImportTable): string | undefined {
  const path = importedPath(file, specifier);
  if (path !== undefined) return partOf(path, table);
  const [scope = "", name = ""] = specifier.split("/");
  return packages[scope.startsWith("@") ? `${scope}/${name}` : scope];
}

function mayImport(part: string, target: string, table: ImportTable): boolean {
  if (part === target) return true;
  const allowed = table.get(part);
  if (allowed?.has("everything") === true || allowed?.has(target) === true) return true;
  return part.startsWith("host/") && everywhere.has(target);
}
