import { HTTP_RESOURCE } from "./http-resource.ts";
import { isInnerPath } from "./inner-path.ts";
import { mayBeModule } from "./js-entry.ts";
import { isJsonObject } from "./json-object.ts";

/** The fields of a service's lever.json, with every default filled in. */
export interface LeverJson {
  readonly name: string;
  readonly description: string;
  /**
   * A JavaScript or TypeScript module, relative to the service folder, with `/`. Before the deploy has read the folder, it
   * may lack its extension (`jsEntryCandidates`). At most one of jsEntry, entry and http is set, and none if it `isFilesOnly`.
   */
  readonly jsEntry: string | undefined;
  /** Command and arguments of a process that serves Lever RPC. */
  readonly entry: readonly string[] | undefined;
  /** Command and arguments of a program that answers HTTP requests on the port in PORT. */
  readonly http?: readonly string[] | undefined;
  /** A path of this program that answers 2xx once the program is ready. undefined = it is ready when it listens. */
  readonly httpReady?: string | undefined;
  /** The part of an HTTP request that names its resource (`parseHttpResource`). undefined = requests have none. */
  readonly httpResource?: string | undefined;
  /** Most bytes of the body of an HTTP request. undefined = no limit. */
  readonly httpBodyBytesMax?: number | undefined;
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

export interface Field {
  readonly schema: Readonly<Record<string, unknown>>;
  /** Completes the sentence "allowed is …". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

const NAME = /^[A-Za-z0-9_.~-]{3,255}$/;
const command: Omit<Field, "schema"> = {
  allowed: "a list of strings, the first one not empty",
  accepts: (value) =>
    Array.isArray(value) &&
    value.every((word) => typeof word === "string" && !word.includes("\0")) &&
    value[0] !== undefined &&
    value[0] !== "",
};

/** A path and query as a request has them (RFC 9112, 3.2.1). */
const REQUEST_PATH = /^\/[!-"$-~]*$/;

export const fields: Readonly<Record<keyof LeverJson, Field>> = {
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
    ...command,
  },
  http: {
    schema: {
      type: "array",
      items: { type: "string" },
      minItems: 1,
      description: "Command and arguments of a program that answers HTTP on the port in PORT",
    },
    ...command,
  },
  httpReady: {
    schema: {
      type: "string",
      pattern: REQUEST_PATH.source,
      description: "A path of this program that answers 2xx once it is ready",
    },
    allowed: "a path that begins with /",
    accepts: (value) => typeof value === "string" && REQUEST_PATH.test(value),
  },
  httpResource: {
    schema: {
      type: "string",
      pattern: HTTP_RESOURCE.source,
      description: "Part of an HTTP request that names its resource, such as path:1",
    },
    allowed: "path:1 to path:9, cookie:<name>, or header:<name in lower case>",
    accepts: (value) => typeof value === "string" && HTTP_RESOURCE.test(value),
  },
  httpBodyBytesMax: {
    schema: { type: "integer", minimum: 0, description: "Most bytes of the body of a request" },
    allowed: "a whole number of bytes, 0 or more",
    accepts: (value) => isWholeAtLeast(value, 0),
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

function isWholeAtLeast(value: unknown, least: number): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least;
}
