import {
  DEFAULT_ENVIRONMENT,
  isJsonObject,
  isLoopbackName,
  LeverError,
  type NetworkPolicy,
  parseLeverUrl,
  parseNetworkPolicy,
} from "@leveros/protocol";
import { parseTokenOptions, type TokenOptions } from "../access/token-options.ts";

/** An argument of an admin method. */
export interface Argument<Value> {
  /** As the reference shows it; ends in `?` when it may be absent. */
  readonly name: string;
  /**
   * `environment`: the method acts in this environment, and its right is checked there.
   * `target`: the audit records it, when it is a text.
   */
  readonly role?: "environment" | "target";
  /** @throws LeverError `malformed_request` */
  read(value: unknown): Value;
}

/** In lower case. */
export const environment: Argument<string> = {
  name: "environment",
  role: "environment",
  read: (value) => readName(value, "environment").toLowerCase(),
};

/** Absent = all environments. */
export const optionalEnvironment: Argument<string | undefined> = optional(environment);

/** The name of a new environment: a host name, by the rule of Lever URLs. */
export const newEnvironment: Argument<string> = {
  name: "name",
  role: "target",
  read(value) {
    const name = readName(value, "name");
    const environment = hostName(name);
    if (environment !== undefined && isLoopbackName(environment)) {
      throw new LeverError(
        "malformed_request",
        `Cannot create ${environment}: calls to that name go to ${DEFAULT_ENVIRONMENT}.`,
      );
    }
    if (environment !== undefined) return environment;
    throw new LeverError(
      "malformed_request",
      `Cannot create ${JSON.stringify(name)}: allowed is a host name, such as test.lever.`,
    );
  },
};

export const service: Argument<string> = {
  name: "service",
  role: "target",
  read: (value) => readName(value, "service"),
};

export const instance: Argument<string> = {
  name: "instance",
  role: "target",
  read: (value) => readName(value, "instance"),
};

/** The name or id of a host of the cluster. */
export const host: Argument<string> = {
  name: "host",
  role: "target",
  read: (value) => readName(value, "host"),
};

/** `""` = every service of the environment. */
export const serviceOrAll: Argument<string> = { ...service, ...text("service") };

export const optionalService: Argument<string | undefined> = optional(service);

export const version: Argument<number> = {
  name: "version",
  read(value) {
    if (typeof value === "number") return value;
    throw invalidArgument("version", value, "the number of a version");
  },
};

export const optionalVersion: Argument<number | undefined> = optional(version);

/** The whole time that the history covers. */
const MINUTES_MAX = 1_440;

/** Minutes of the history; none by default. */
export const minutes: Argument<number> = {
  name: "{minutes?}",
  read(value) {
    if (value === undefined || value === null) return 0;
    const found: unknown = isJsonObject(value) ? (value["minutes"] ?? 0) : undefined;
    if (typeof found === "number" && found >= 0 && found <= MINUTES_MAX) return found;
    throw invalidArgument(
      "minutes",
      value,
      `an object such as {"minutes": 60}, up to ${MINUTES_MAX}`,
    );
  },
};

export const isPublic: Argument<boolean> = {
  name: "isPublic",
  read(value) {
    if (typeof value === "boolean") return value;
    throw invalidArgument("isPublic", value, "true or false");
  },
};

const ORIGINS_MAX = 1_000;

export const origins: Argument<readonly string[]> = {
  name: "origins",
  read(value) {
    if (Array.isArray(value) && value.length <= ORIGINS_MAX && value.every(isOrigin)) return value;
    throw new LeverError(
      "malformed_request",
      'Cannot set the origins: allowed is a list of origins such as "https://app.example", or of "*".',
    );
  },
};

export const networkPolicy: Argument<NetworkPolicy> = {
  name: "policy",
  role: "target",
  read(value) {
    const policy = parseNetworkPolicy(value);
    if (typeof policy === "string" || !("wrong" in policy)) return policy;
    throw new LeverError("malformed_request", `Cannot set the network: ${policy.wrong}.`);
  },
};

export const tokenOptions: Argument<TokenOptions> = {
  name: "{environments, rights, expiresInMs?, note?}",
  read: parseTokenOptions,
};

export const tokenId: Argument<string> = { ...text("id"), role: "target" };

/** A text, which may be empty. The error does not show what was found: it may be a secret. */
export function text(name: string): Argument<string> {
  return {
    name,
    read(value) {
      if (typeof value === "string") return value;
      throw new LeverError(
        "malformed_request",
        `Cannot read the argument "${name}": it is not a text.`,
      );
    },
  };
}

/** Texts by name. The error shows no value: it may be a secret. */
export const variables: Argument<Readonly<Record<string, string>>> = {
  name: "variables",
  read(value) {
    if (isJsonObject(value) && Object.values(value).every((of) => typeof of === "string")) {
      return value as Readonly<Record<string, string>>;
    }
    throw new LeverError(
      "malformed_request",
      'Cannot read the argument "variables": allowed is an object of texts, such as {"LOG_LEVEL": "debug"}.',
    );
  },
};

/** An object that may have one field, which is true or false; false by default. */
export function flag(name: string): Argument<boolean> {
  return {
    name: `{${name}?}`,
    read(value) {
      if (value === undefined || value === null) return false;
      if (typeof value !== "object") throw invalidArgument(name, value, `{"${name}": true}`);
      const found: unknown = Reflect.get(value, name) ?? false;
      if (typeof found === "boolean") return found;
      throw invalidArgument(name, found, "true or false");
    },
  };
}

/** Undefined when the argument is absent or null. */
export function optional<Value>(argument: Argument<Value>): Argument<Value | undefined> {
  return {
    ...argument,
    name: `${argument.name}?`,
    read: (value) => (value === undefined || value === null ? undefined : argument.read(value)),
  };
}

function readName(value: unknown, argument: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw invalidArgument(argument, value, "a name");
}

const SHOWN_LENGTH_MAX = 200;

export function invalidArgument(name: string, value: unknown, allowed: string): LeverError {
  const found = (JSON.stringify(value) ?? "missing").slice(0, SHOWN_LENGTH_MAX);
  return new LeverError(
    "malformed_request",
    `Cannot read the argument "${name}": it is ${found}; allowed is ${allowed}.`,
  );
}

function isOrigin(value: unknown): value is string {
  return typeof value === "string" && (value === "*" || URL.parse(value)?.origin === value);
}

/** The name of an environment as it is stored: in URLs, a dot at its end is ignored. */
function hostName(text: string): string | undefined {
  const name = text.toLowerCase();
  try {
    const { environment, resource } = parseLeverUrl(`lever://${name}/-/-`);
    const isSame = environment === name && resource === "" && !name.includes(":");
    return isSame ? environment : undefined;
  } catch {
    return undefined;
  }
}
