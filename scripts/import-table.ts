/**
 * Holds every import in packages/<package>/src to the table "Who may import whom" of ARCHITECTURE.md. Tests may import
 * what they like.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

const root = join(import.meta.dirname, "..");

/** Packages by the name that they are imported by. */
const packages: Readonly<Record<string, string>> = {
  "@leveros/protocol": "protocol",
  leveros: "client",
  "@leveros/runtime": "runtime",
  "@leveros/host": "host/main",
  "@leveros/cli": "cli",
};

/** The part that a file of packages/ belongs to; the folders of the host are parts of their own. */
function partOf(file: string): string {
  const [, name = "", , folder, ...rest] = relative(root, file).split(sep);
  if (name !== "host") return name;
  return rest.length === 0 ? "host/main" : `host/${folder}`;
}

function readTable(): Map<string, ReadonlySet<string>> {
  const page = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const section = page.split("\n## ").find((text) => text.startsWith("Who may import whom"));
  const table = new Map<string, ReadonlySet<string>>();
  for (const [, part = "", allowed = ""] of (section ?? "").matchAll(
    /^\| ([\w/]+) \| ([^|]+) \|$/gm,
  )) {
    table.set(part, new Set(allowed.split(",").map((name) => name.trim())));
  }
  table.delete("part");
  return table;
}

const IMPORT =
  /(?:^|\s)(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)|^import\s+"([^"]+)"/gm;

/** The part that an import leads to; undefined for Node's own modules and for dependencies. */
function partOfImport(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return partOf(join(dirname(file), specifier));
  const [scope = "", name = ""] = specifier.split("/");
  return packages[scope.startsWith("@") ? `${scope}/${name}` : scope];
}

const table = readTable();
const faults: string[] = table.size === 0 ? ["ARCHITECTURE.md: the table is not there"] : [];
for (const path of globSync("packages/*/src/**/*.ts", { cwd: root })) {
  if (path.endsWith(".test.ts")) continue;
  const file = join(root, path);
  const part = partOf(file);
  const allowed = table.get(part);
  if (allowed === undefined) {
    faults.push(`${path}: the part ${part} is not in the table of ARCHITECTURE.md`);
    continue;
  }
  const text = readFileSync(file, "utf8");
  for (const match of text.matchAll(IMPORT)) {
    const target = partOfImport(file, match[1] ?? match[2] ?? match[3] ?? "");
    if (target === undefined || target === part) continue;
    if (allowed.has(target) || allowed.has("everything")) continue;
    const line = text.slice(0, match.index).split("\n").length;
    faults.push(`${path}:${line}: ${part} may not import ${target}`);
  }
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
