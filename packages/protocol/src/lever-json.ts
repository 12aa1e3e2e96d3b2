import { isInnerPath } from "./inner-path.ts";
import { mayBeModule } from "./js-entry.ts";
import { nestingOf } from "./json-nesting.ts";
import { isJsonObject } from "./json-object.ts";
import { nearestName } from "./nearest-name.ts";

/** The fields of a service's lever.json, with every default filled in. */
export interface LeverJson {
  readonly name: string;
  readonly description: string;
  /**
   * A JavaScript or TypeScript module, relative to the service folder, with `/`. Before the deploy has read the folder, it
   * may lack its extension (`jsEntryCandidates`). Exactly one of jsEntry and entry is set, or none of them (`isFilesOnly`).
   */
  readonly jsEntry: string | undefined;
  /** Command and arguments of a process that serves Lever RPC. */
  readonly entry: readonly string[] | undefined;
  /** A folder in the service folder, with `/`, whose files the host itself serves. */
  readonly static?: string | undefined;
  /** The file in it for pages that are not there. */
  readonly staticFallback?: string | undefined;
  readonly private: boolean;
  readonly maxInstanceLoad: number;
  readonly minInstances: number;
  /** undefined = the host's default. */
  readonly maxInstances: number | undefined;
  /** MB (10⁶ bytes). */
  readonly ram: number;
  /** Most processors that one instance may use; undefined = no limit of its own. */
  readonly maxCpu: number | undefined;
  readonly config: Readonly<Record<string, unknown>>;
}

export type LeverJsonOutcome =
  | { readonly ok: true; readonly leverJson: LeverJson; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] };

interface Field {
  readonly schema: Readonly<Record<string, unknown>>;
  /** Completes the sentence "allowed is …". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

const NAME = /^[A-Za-z0-9_.~-]{3,255}$/;
/** Levels of lists and objects. Deeper JSON would overflow the stack of what reads it. */
const NESTING_MAX = 100;

const fields: Readonly<Record<keyof LeverJson, Field>> = {
  name: {
    schema: { type: "string", pattern: NAME.source, description: "Unique in its environment" },
    allowed: "3 to 255 of A-Z a-z 0-9 - _ . ~",
    accepts: (value) => typeof value === "string" && NAME.test(value) && !/^\.+$/.test(value),
  },
  description: {
    schema: { type: "string", default: "", description: "Shown in lists of services" },
    allowed: "a string",
    accepts: (value) => typeof value === "string",
  },
  jsEntry: {
    schema: {
      type: "string",
      description: "JavaScript or TypeScript module, relative to this folder",
    },
    allowed:
      "the path of a .js .mjs .cjs .ts .mts .cts .tsx or .jsx file inside the service folder",
    accepts: (value) => typeof value === "string" && mayBeModule(value),
  },
  entry: {
    schema: {
      type: "array",
      items: { type: "string" },
      minItems: 1,
      description: "Command and arguments of a process that serves Lever RPC",
    },
    allowed: "a list of strings, the first one not empty",
    accepts: (value) =>
      Array.isArray(value) &&
      value.every((word) => typeof word === "string" && !word.includes("\0")) &&
      value[0] !== undefined &&
      value[0] !== "",
  },
  static: {
    schema: { type: "string", description: "Folder whose files Lever serves over HTTP" },
    allowed: "the path of a folder inside the service folder",
    accepts: isInnerPath,
  },
  staticFallback: {
    schema: {
      type: "string",
      description: "File in this folder for pages that are not there, such as index.html",
    },
    allowed: "the path of a file inside the folder of static",
    accepts: isInnerPath,
  },
  private: {
    schema: {
      type: "boolean",
      default: false,
      description: "Only services of the same environment may call it",
    },
    allowed: "true or false",
    accepts: (value) => typeof value === "boolean",
  },
  maxInstanceLoad: {
    schema: {
      type: "number",
      exclusiveMinimum: 0,
      default: 10,
      description: "Calls and open streams that one instance should carry on average",
    },
    allowed: "a number greater than 0",
    accepts: (value) => typeof value === "number" && value > 0,
  },
  minInstances: {
    schema: {
      type: "integer",
      minimum: 0,
      default: 0,
      description: "Instances that run from the deploy on, also without calls",
    },
    allowed: "a whole number, 0 or more",
    accepts: (value) => isWholeAtLeast(value, 0),
  },
  maxInstances: {
    schema: { type: "integer", minimum: 1, description: "Most instances at the same time" },
    allowed: "a whole number, 1 or more",
    accepts: (value) => isWholeAtLeast(value, 1),
  },
  ram: {
    schema: {
      type: "integer",
      minimum: 1,
      default: 128,
      description: "Memory of an instance in MB (1,000,000 bytes)",
    },
    allowed: "a whole number of megabytes, 1 or more",
    accepts: (value) => isWholeAtLeast(value, 1),
  },
  maxCpu: {
    schema: {
      type: "number",
      minimum: 0.01,
      description: "Most processors that one instance may use; 0.5 is half of one",
    },
    allowed: "a number of processors, 0.01 or more",
    accepts: (value) => typeof value === "number" && value >= 0.01,
  },
  config: {
    schema: {
      type: "object",
      default: {},
      description: "Passed to the service as JSON in LEVEROS_CONFIG",
    },
    allowed: "an object",
    accepts: isJsonObject,
  },
};

/** The JSON Schema of lever.json, for editors. */
export const leverJsonSchema: Readonly<Record<string, unknown>> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "lever.json",
  description: "How Lever runs a service",
  type: "object",
  required: ["name"],
  not: { required: ["entry", "jsEntry"] },
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
  if (Object.hasOwn(value, "entry") && Object.hasOwn(value, "jsEntry")) {
    errors.push("lever.json: fields entry and jsEntry are both set; allowed is one of them.");
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
export function isFilesOnly({ jsEntry, entry }: Pick<LeverJson, "jsEntry" | "entry">): boolean {
  return jsEntry === undefined && entry === undefined;
}

function withDefaults(value: Record<string, unknown>): LeverJson {
  // `parseLeverJson` has checked every field that is present.
  const given = value as Partial<LeverJson>;
  const hasOther = given.jsEntry !== undefined || given.static !== undefined;
  return {
    name: given.name ?? "",
    description: given.description ?? "",
    jsEntry: given.jsEntry?.replace(/^(?:\.\/)+/, ""),
    entry: given.entry ?? (hasOther ? undefined : ["./serve"]),
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

function isWholeAtLeast(value: unknown, least: number): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least;
}
