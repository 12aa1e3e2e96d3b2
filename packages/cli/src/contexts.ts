import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isJsonObject } from "@leveros/protocol";

/** Environment variables: XDG_CONFIG_HOME names the folder of the user's settings. */
type Variables = Readonly<Record<string, string | undefined>>;

/** A host and an environment under a short name. */
export interface Context {
  readonly name: string;
  /** `HOST:PORT`, or a URL. */
  readonly host: string;
  /** undefined = the default one. */
  readonly environment: string | undefined;
}

/** The user's contexts. */
export interface Contexts {
  /** The name of the one that commands use; undefined = none. */
  readonly current: string | undefined;
  /** By name. */
  readonly all: readonly Context[];
}

function contextsFile(variables: Variables): string {
  const config = variables["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(config, "lever", "contexts.json");
}

/** A missing file has none, as has a damaged one: the next change writes it again. */
export function readContexts(variables: Variables): Contexts {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(contextsFile(variables), "utf8"));
  } catch {
    read = undefined;
  }
  const { current, contexts } = isJsonObject(read) ? read : {};
  const entries = isJsonObject(contexts) ? Object.entries(contexts) : [];
  const all = entries.flatMap(([name, value]) => {
    const { host, environment } = isJsonObject(value) ? value : {};
    if (typeof host !== "string") return [];
    return [{ name, host, environment: typeof environment === "string" ? environment : undefined }];
  });
  const isKnown = all.some(({ name }) => name === current);
  return { current: isKnown && typeof current === "string" ? current : undefined, all };
}

export function currentContext(variables: Variables): Context | undefined {
  const { current, all } = readContexts(variables);
  return all.find(({ name }) => name === current);
}

export function writeContexts({ current, all }: Contexts, variables: Variables): void {
  const path = contextsFile(variables);
  const sorted = [...all].sort((a, b) => (a.name < b.name ? -1 : 1));
  const contexts = Object.fromEntries(sorted.map(({ name, ...context }) => [name, context]));
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // A crash in the middle must not damage the others.
  const text = `${JSON.stringify({ current, contexts }, undefined, 2)}\n`;
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
