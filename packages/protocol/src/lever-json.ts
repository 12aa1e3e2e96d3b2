import { nestingOf } from "./json-nesting.ts";
import { isJsonObject } from "./json-object.ts";
import { type Field, fields, type LeverJson } from "./lever-json-fields.ts";
import { nearestName } from "./nearest-name.ts";

export type LeverJsonOutcome =
  | { readonly ok: true; readonly leverJson: LeverJson; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Levels of lists and objects. Deeper JSON would overflow the stack of what reads it. */
const NESTING_MAX = 100;

/** Fields of which a service has at most one. */
const ENTRIES = ["entry", "jsEntry", "http"] as const;

/** The JSON Schema of lever.json, for editors. */
export const leverJsonSchema: Readonly<Record<string, unknown>> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "lever.json",
  description: "How Lever runs a service",
  type: "object",
  required: ["name"],
  not: { anyOf: pairsOf(ENTRIES).map((required) => ({ required })) },
  properties: Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, field.schema]),
  ),
};

/**
 * Parses the text of a lever.json. Reports all violations together, each with the file, the field, the value and the
 * allowed values. Unknown fields are warnings that suggest the nearest known field. null, and an empty list as entry, count as
 * absent.
 */
export function parseLeverJson(text: string): LeverJsonOutcome {
  const levels = nestingOf(text);
  if (levels > NESTING_MAX) {
    return {
      ok: false,
      errors: [`lever.json: the file is nested ${levels} levels deep; allowed is ${NESTING_MAX}.`],
    };
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, errors: [`lever.json: the file is not JSON: ${reason}.`] };
  }
  if (!isJsonObject(parsed)) {
    return {
      ok: false,
      errors: [`lever.json: the file holds ${shown(parsed)}; allowed is an object.`],
    };
  }
  const value = Object.fromEntries(
    Object.entries(parsed).filter(([name, found]) => !isAbsent(name, found)),
  );
  const errors: string[] = [];
  const warnings: string[] = [];
  for (const [name, found] of Object.entries(value)) {
    if (!Object.hasOwn(fields, name)) {
      if (name !== "$schema") warnings.push(unknownField(name));
      continue;
    }
    const field = fields[name as keyof LeverJson];
    if (!field.accepts(found)) errors.push(violation(name, shown(found), field));
  }
  if (!Object.hasOwn(value, "name")) errors.push(violation("name", "missing", fields.name));
  for (const [one, other] of pairsOf(ENTRIES)) {
    if (Object.hasOwn(value, one) && Object.hasOwn(value, other)) {
      errors.push(`lever.json: fields ${one} and ${other} are both set; allowed is one of them.`);
    }
  }
  if (Object.hasOwn(value, "httpReady") && !Object.hasOwn(value, "http")) {
    errors.push("lever.json: field httpReady is set without http, the program that it is for.");
  }
  if (Object.hasOwn(value, "httpResource") && Object.hasOwn(value, "entry")) {
    errors.push("lever.json: field httpResource is set with entry, which gets no HTTP requests.");
  }
  if (Object.hasOwn(value, "staticFallback") && !Object.hasOwn(value, "static")) {
    errors.push(
      "lever.json: field staticFallback is set without static, the folder that it is in.",
    );
  }
  const { minInstances, maxInstances } = value;
  if (
    errors.length === 0 &&
    typeof minInstances === "number" &&
    typeof maxInstances === "number" &&
    minInstances > maxInstances
  ) {
    errors.push(
      `lever.json: field minInstances is ${minInstances}; allowed is at most maxInstances, ${maxInstances}.`,
    );
  }
  const leverJson = errors.length === 0 ? withDefaults(value) : undefined;
  if (leverJson !== undefined && isFilesOnly(leverJson) && leverJson.minInstances > 0) {
    errors.push(
      `lever.json: field minInstances is ${leverJson.minInstances}; allowed is 0 for a service that has only files.`,
    );
  }
  if (leverJson === undefined || errors.length > 0) return { ok: false, errors };
  return { ok: true, leverJson, warnings };
}

/** The service has files, and no program: it never has an instance. */
export function isFilesOnly({
  jsEntry,
  entry,
  http,
}: Pick<LeverJson, "jsEntry" | "entry" | "http">): boolean {
  return (jsEntry ?? entry ?? http) === undefined;
}

function withDefaults(value: Record<string, unknown>): LeverJson {
  // `parseLeverJson` has checked every field that is present.
  const given = value as Partial<LeverJson>;
  const { jsEntry, http } = given;
  const hasOther = (jsEntry ?? http ?? given.static) !== undefined;
  return {
    name: given.name ?? "",
    description: given.description ?? "",
    jsEntry: jsEntry?.replace(/^(?:\.\/)+/, ""),
    entry: given.entry ?? (hasOther ? undefined : ["./serve"]),
    http,
    httpReady: given.httpReady,
    httpResource: given.httpResource,
    httpBodyBytesMax: given.httpBodyBytesMax,
    static: given.static?.replace(/^(?:\.\/)+|\/+$/g, ""),
    staticFallback: given.staticFallback?.replace(/^(?:\.\/)+/, ""),
    private: given.private ?? false,
    maxInstanceLoad: given.maxInstanceLoad ?? 10,
    minInstances: given.minInstances ?? 0,
    maxInstances: given.maxInstances,
    ram: given.ram ?? 128,
    maxCpu: given.maxCpu,
    config: given.config ?? {},
  };
}

function pairsOf(names: readonly string[]): [string, string][] {
  return names.flatMap((one, at) =>
    names.slice(at + 1).map((other): [string, string] => [one, other]),
  );
}

function violation(name: string, found: string, field: Field): string {
  return `lever.json: field ${name} is ${found}; allowed is ${field.allowed}.`;
}

function unknownField(name: string): string {
  const nearest = nearestName(name, Object.keys(fields));
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  return `lever.json: field ${shown(name)} is unknown and has no effect.${hint}`;
}

/** The JSON reader of Lever OS took null, and an empty list as entry, for an absent field. */
function isAbsent(name: string, found: unknown): boolean {
  if (!Object.hasOwn(fields, name)) return false;
  return found === null || (name === "entry" && Array.isArray(found) && found.length === 0);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
