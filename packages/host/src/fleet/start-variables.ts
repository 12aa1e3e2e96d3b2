import type { PreloadedModule } from "@leveros/protocol";
import { type NodeOptions, parseNodeOptions } from "./node-options.ts";

/**
 * Variables that a process reads only when it starts. A runtime is started ahead, without a service: a service with one of
 * these gets a runtime that is started for it. The others are set when the runtime gets its service.
 *
 * A runtime starts before it has its service's code and, as a process, its user. So a variable that makes it load or
 * write files at the start is refused.
 */
const READ_AT_START =
  /^(LANG|LC_[A-Z]+|MALLOC_\w+|NODE_DEBUG|NODE_DEBUG_NATIVE|NODE_EXTRA_CA_CERTS|NODE_NO_WARNINGS|NODE_OPTIONS|NODE_PATH|NODE_PENDING_DEPRECATION|NODE_PRESERVE_SYMLINKS|NODE_USE_ENV_PROXY|NODE_USE_SYSTEM_CA|SSL_CERT_DIR|SSL_CERT_FILE|UV_THREADPOOL_SIZE)$/;
/** Node reads them at the start when it is told to use proxies. */
const PROXIES = /^(HTTP_PROXY|HTTPS_PROXY|NO_PROXY|http_proxy|https_proxy|no_proxy)$/;

const BY_COMMAND =
  'for a program, set it in its command: "entry": ["env", "NAME=value", "./serve"]';
const REFUSED: readonly (readonly [RegExp, reason: string])[] = [
  [
    /^(LD_\w+|DYLD_\w+|GLIBC_TUNABLES)$/,
    `the system's loader reads it before the instance has its code and its rights; ${BY_COMMAND}`,
  ],
  [
    /^OPENSSL_(CONF|MODULES|ENGINES)$/,
    `Node would load what it names before the instance has its rights; ${BY_COMMAND}`,
  ],
  [
    /^NODE_COMPILE_CACHE$/,
    "Node would run cached code before the instance has its rights; call enableCompileCache() of node:module in the code",
  ],
  [
    /^(NODE_V8_COVERAGE|NODE_REDIRECT_WARNINGS)$/,
    "Node would write the files that it names outside of the instance's fence; what an instance prints is in lever logs, and node:inspector measures coverage in the code",
  ],
  [/^NODE_ICU_DATA$/, "Node would load what it names before the instance has its rights"],
  [
    /^(NODE_CHANNEL_FD|NODE_CHANNEL_SERIALIZATION_MODE|NODE_UNIQUE_ID)$/,
    "Node takes the instance for a child of another Node process then",
  ],
  [/^UV_USE_IO_URING$/, "the instance would keep rights by it that it gives up at its start"],
];

const LOCALE = /^[A-Za-z0-9_.@:-]*$/;
const THREADS_MAX = 1_024;

/** The variables and modules that the runtime of a service needs from its start. */
export interface StartVariables {
  /** For its environment; undefined = it can be one that was started ahead. */
  readonly variables: Readonly<Record<string, string>> | undefined;
  readonly preload: readonly PreloadedModule[];
}

/** Says why a variable must not be set, after "Cannot set NAME: "; undefined = it may be. */
export function refuseVariable(name: string, value: string): string | undefined {
  const refused = REFUSED.find(([pattern]) => pattern.test(name));
  if (refused !== undefined) return `${refused[1].replace("NAME=", `${name}=`)}.`;
  if (/^(LANG|LC_[A-Z]+)$/.test(name) && !LOCALE.test(value)) {
    return "allowed is the name of a locale, such as de_DE.UTF-8.";
  }
  if (name === "UV_THREADPOOL_SIZE" && !isThreadCount(value)) {
    return `allowed is a number from 1 to ${THREADS_MAX}.`;
  }
  if (name !== "NODE_OPTIONS") return undefined;
  const options = parseNodeOptions(value);
  return "refused" in options ? `${options.refused}.` : undefined;
}

/**
 * Selects the variables and modules for the start of a service's runtime; undefined = none. `further`: options of Node that
 * Lever adds.
 */
export function startVariables(
  all: Readonly<Record<string, string>>,
  further = "",
): StartVariables | undefined {
  // A host of an earlier version may have stored what is refused now.
  const allowed = Object.entries(all).filter(
    ([name, value]) => READ_AT_START.test(name) && refuseVariable(name, value) === undefined,
  );
  const chosen = new Map(allowed);
  const { processOptions: set, preload } = nodeOptions(chosen.get("NODE_OPTIONS"));
  const processOptions = `${set} ${further}`.trim();
  // Its process has only the options for the process itself. The service sees all.
  if (processOptions === "") chosen.delete("NODE_OPTIONS");
  else chosen.set("NODE_OPTIONS", processOptions);
  if (chosen.get("NODE_USE_ENV_PROXY") === "1" || processOptions.includes("--use-env-proxy")) {
    for (const [name, value] of Object.entries(all))
      if (PROXIES.test(name)) chosen.set(name, value);
  }
  if (chosen.size === 0 && preload.length === 0) return undefined;
  return { variables: chosen.size === 0 ? undefined : Object.fromEntries(chosen), preload };
}

function nodeOptions(value = ""): NodeOptions {
  const options = parseNodeOptions(value);
  return "refused" in options ? { processOptions: "", preload: [] } : options;
}

function isThreadCount(value: string): boolean {
  return /^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= THREADS_MAX;
}
