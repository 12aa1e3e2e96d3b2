/**
 * Checks every import in packages/<package>/src against the table "Who may import whom" of ARCHITECTURE.md. Test files
 * may import anything.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

const root = join(import.meta.dirname, "..");

/** Packages by the name that they are imported by. */
const packages: Readonly<Record<string, string>> = {
  "@leveros/protocol": "protocol",
  leveros: "client",
  "@leveros/runtime": "runtime",
  "@leveros/host": "host",
  "@leveros/cli": "cli",
};

/** Every part of the host may import these. */
const everywhere: ReadonlySet<string> = new Set(["protocol", "host/clock", "host/logs"]);

function readTable(): Map<string, ReadonlySet<string>> {
  const page = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const section = page.split("\n## ").find((text) => text.startsWith("Who may import whom"));
  const table = new Map<string, ReadonlySet<string>>();
  for (const [, part = "", allowed = ""] of (section ?? "").matchAll(
    /^\| ([\w/-]+) \| ([^|]+) \|$/gm,
  )) {
    table.set(part, new Set(allowed.split(",").map((name) => name.trim())));
  }
  table.delete("part");
  return table;
}

const table = readTable();

/** The part that a file of packages/ belongs to: the row of the table with the longest path that leads to it. */
function partOf(file: string): string | undefined {
  const [name = "", , ...path] = relative(join(root, "packages"), file)
    .replace(/\.ts$/, "")
    .split(sep);
  for (let length = path.length; length >= 0; length--) {
    const part = [name, ...path.slice(0, length)].join("/");
    if (table.has(part)) return part;
  }
  return undefined;
}

const IMPORT =
  /(?:^|\s)(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)|^import\s+"([^"]+)"/gm;

/** The part that an import leads to; undefined for Node's own modules and for dependencies. */
function partOfImport(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return partOf(join(dirname(file), specifier));
  const [scope = "", name = ""] = specifier.split("/");
  return packages[scope.startsWith("@") ? `${scope}/${name}` : scope];
}

function mayImport(part: string, target: string): boolean {
  if (part === target) return true;
  const allowed = table.get(part);
  if (allowed?.has("everything") === true || allowed?.has(target) === true) return true;
  return part.startsWith("host/") && everywhere.has(target);
}

const faults: string[] = table.size === 0 ? ["ARCHITECTURE.md: the import table is missing"] : [];
for (const path of globSync("packages/*/src/**/*.ts", { cwd: root })) {
  if (path.endsWith(".test.ts")) continue;
  const file = join(root, path);
  const part = partOf(file);
  if (part === undefined) {
    faults.push(`${path}: no row of the import table in ARCHITECTURE.md covers this file`);
    continue;
  }
  const text = readFileSync(file, "utf8");
  for (const match of text.matchAll(IMPORT)) {
    const target = partOfImport(file, match[1] ?? match[2] ?? match[3] ?? "");
    if (target === undefined || mayImport(part, target)) continue;
    const line = text.slice(0, match.index).split("\n").length;
    faults.push(`${path}:${line}: ${part} may not import ${target}`);
  }
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
