import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { HttpProgram } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { programNodeOptions } from "../launcher/node-flags.ts";
import { tracePrefix } from "../router/call-numbers.ts";
import type { VersionRecord } from "../store/store.ts";
import { type StartVariables, startVariables } from "./start-variables.ts";

/** Everything that one instance is started with. */
export interface InstanceSpec {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
  /** See `TraceIds`. */
  readonly tracePrefix: string;
  readonly codeDir: string;
  /** Where its service may keep files. */
  readonly dataDir: string;
  readonly jsEntry: string | undefined;
  /** The command of a program, of `entry` or of `http`. */
  readonly entry: readonly string[] | undefined;
  /** undefined = the program serves Lever RPC, or there is none. */
  readonly http: HttpProgram | undefined;
  readonly variables: Readonly<Record<string, string>>;
  /** The values of secrets among them, by their names. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Needed from the start of its process. Undefined for a program: it sees all variables from its own start. */
  readonly start?: StartVariables | undefined;
  /** Megabytes that it is allotted. */
  readonly ram: number;
  /** Processors that it may use at most; undefined = no limit but what other instances need. */
  readonly maxCpu: number | undefined;
  /** Time that it took to get the code ready. */
  readonly prepareMs: number;
}

/** The variables that are set for a service, by their names. */
export interface SetVariables {
  readonly all: Readonly<Record<string, string>>;
  /** The secret ones. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Further options of Node for its process, which variables may not set. */
  readonly nodeOptions?: string;
}

export interface SpecSources {
  readonly clock: Clock;
  /** The folder with a version's code; unpacks it first where that is needed. */
  readonly codeDirOf: (record: VersionRecord) => Promise<string>;
  /** The variables that are set for a service, without those that Lever sets itself. */
  readonly variablesOf: (environment: string, service: string) => Promise<SetVariables>;
  /** Each service gets a folder of its own below this one. */
  readonly serviceDataDir: string;
  readonly makeDir: (path: string) => void;
}

/** Gets code, variables and data folder ready for one start of a version. */
export async function prepareInstance(
  record: VersionRecord,
  sources: SpecSources,
): Promise<InstanceSpec> {
  const { environment, service, version, leverJson } = record;
  const { ram, maxCpu, jsEntry, http, httpReady, config } = leverJson;
  const entry = leverJson.entry ?? http;
  const { clock } = sources;
  const startedAt = clock.now();
  const codeDir = await sources.codeDirOf(record);
  const { all: set, secrets, nodeOptions } = await sources.variablesOf(environment, service);
  const dataDir = join(sources.serviceDataDir, environment, service);
  sources.makeDir(dataDir);
  const instance = `${service}-${version}-${randomBytes(4).toString("hex")}`;
  const variables = {
    ...set,
    // Otherwise garbage could grow to a part of the machine's memory. Programs that are not Node ignore it.
    ...(entry !== undefined && {
      NODE_OPTIONS: `${programNodeOptions(ram)} ${set["NODE_OPTIONS"] ?? ""}`.trim(),
    }),
    LEVEROS_ENVIRONMENT: environment,
    LEVEROS_SERVICE: service,
    LEVEROS_INSTANCE_ID: instance,
    LEVEROS_CODE_VERSION: String(version),
    LEVEROS_RAM: String(ram),
    LEVEROS_INTERNAL_ENV_SUFFIX: ".lever",
    LEVEROS_CONFIG: JSON.stringify(config),
  };
  return {
    environment,
    service,
    version,
    instance,
    tracePrefix,
    codeDir,
    dataDir,
    jsEntry,
    entry,
    http: http && { readyPath: httpReady },
    variables,
    secrets,
    start: entry === undefined ? startVariables(set, nodeOptions) : undefined,
    ram,
    maxCpu,
    prepareMs: clock.now() - startedAt,
  };
}
