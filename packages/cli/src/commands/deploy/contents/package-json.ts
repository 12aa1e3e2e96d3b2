import { join } from "node:path";
import { isJsonObject } from "@leveros/protocol";
import { readText } from "./git-ignore.ts";

/** The fields of a package.json that decide what is packed. */
export interface PackageJson {
  /** Names of packages that the package needs when it runs. */
  readonly dependencies: readonly string[];
  /** Names of packages that it uses if they are there, and that something else must need. */
  readonly optionalPeers: readonly string[];
  /** Names that may be missing. */
  readonly mayBeMissing: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
  /** Whether it says which packages are installed in the `node_modules` beside it. */
  readonly listsPackages: boolean;
  readonly isWorkspaceRoot: boolean;
  /** Paths that the package offers: of `main`, `module`, `exports`, `bin` and `files`, without patterns. */
  readonly offers: readonly string[];
}

const LISTS = [
  "dependencies",
  "optionalDependencies",
  "peerDependencies",
  "devDependencies",
  "workspaces",
] as const;
const ENTRY_FIELDS = ["main", "module", "exports", "bin", "files"] as const;

/** Reads the package.json of a folder; undefined if it has none, or if it is not a JSON object. */
export async function readPackageJson(folder: string): Promise<PackageJson | undefined> {
  try {
    const text = readText(join(folder, "package.json"));
    return text === undefined ? undefined : parsePackageJson(text);
  } catch {
    return undefined;
  }
}

export function parsePackageJson(text: string): PackageJson | undefined {
  const json = parseObject(text);
  if (json === undefined) return undefined;
  const optional = keysOf(json["optionalDependencies"]);
  const peers = keysOf(json["peerDependencies"]);
  const peersMeta = json["peerDependenciesMeta"];
  const optionalPeers = peers.filter((name) => {
    const meta = isJsonObject(peersMeta) ? peersMeta[name] : undefined;
    return isJsonObject(meta) && meta["optional"] === true;
  });
  const bundled = json["bundleDependencies"] ?? json["bundledDependencies"];
  const needed = new Set([
    ...keysOf(json["dependencies"]),
    ...optional,
    ...peers.filter((name) => !optionalPeers.includes(name)),
    ...stringsIn(Array.isArray(bundled) ? bundled : []),
  ]);
  return {
    dependencies: [...needed].filter(isPackageName),
    optionalPeers: optionalPeers.filter((name) => isPackageName(name) && !needed.has(name)),
    mayBeMissing: new Set([...optional, ...peers]),
    devDependencies: new Set(keysOf(json["devDependencies"])),
    listsPackages: LISTS.some((field) => json[field] !== undefined),
    isWorkspaceRoot: json["workspaces"] !== undefined,
    offers: ENTRY_FIELDS.flatMap((field) => stringsIn(json[field])).flatMap(fixedPart),
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function keysOf(value: unknown): string[] {
  return isJsonObject(value) ? Object.keys(value) : [];
}

/** Names become parts of paths. */
function isPackageName(name: string): boolean {
  return /^(?:@[^/\\]+\/)?[^/\\@.][^/\\]*$/.test(name);
}

/** Every string in a value of JSON. Not recursive: it may be deep. */
function stringsIn(value: unknown): string[] {
  const strings: string[] = [];
  const open: unknown[] = [value];
  while (open.length > 0) {
    const at = open.pop();
    if (typeof at === "string") strings.push(at);
    else if (typeof at === "object" && at !== null) open.push(...Object.values(at));
  }
  return strings;
}

/** The part of a path before its first pattern: `./dist/**` → `dist`. */
function fixedPart(path: string): string[] {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  const end = segments.findIndex((segment) => /[*?[{!]/.test(segment));
  const fixed = end === -1 ? segments : segments.slice(0, end);
  return fixed.length === 0 || fixed.includes("..") ? [] : [fixed.join("/")];
}
