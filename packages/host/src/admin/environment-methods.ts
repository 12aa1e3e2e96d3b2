import {
  type EnvironmentListing,
  LeverError,
  parseLeverUrl,
  parseNetworkPolicy,
  type RestartReport,
  type VariableListing,
} from "@leveros/protocol";
import type { Deployer } from "../deployer/deployer.ts";
import type { Environments } from "../environments/environments.ts";
import type { Variables } from "../environments/variables.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Router } from "../router/router.ts";
import { parseEnvironment, unknownEnvironment } from "./parse-arguments.ts";

const ENVIRONMENTS_MAX = 10_000;
const ORIGINS_MAX = 1_000;

export interface EnvironmentOptions {
  readonly environments: Environments;
  readonly router: Router;
  readonly fleet: Fleet;
  readonly deployer: Deployer;
  readonly variables: Variables;
}

/** The admin service's methods about environments, and what their services see. */
export function environmentMethods(options: EnvironmentOptions): Record<string, unknown> {
  const { environments, router, fleet, deployer, variables } = options;

  /** An environment that takes services. */
  const open = (value: unknown): string => {
    const environment = parseEnvironment(value);
    const access = router.environment(environment)?.access;
    if (access === undefined) throw unknownEnvironment(environment);
    if (access.kind === "services") return environment;
    throw new LeverError("forbidden", `Cannot change ${environment}: it manages Lever itself.`);
  };

  return {
    async createEnvironment(name: unknown): Promise<null> {
      const environment = parseName(name);
      if (router.environment(environment) !== undefined) {
        throw new LeverError(
          "malformed_request",
          `There is an environment ${environment} already.`,
        );
      }
      if (environments.list().length >= ENVIRONMENTS_MAX) {
        throw new LeverError("overloaded", `Cannot create ${environment}: there are too many.`);
      }
      await environments.create(environment);
      return null;
    },

    listEnvironments(): EnvironmentListing[] {
      return environments.list().map(({ isPublic, ...record }) => ({
        ...record,
        public: isPublic,
        services: router.environment(record.environment)?.services.size ?? 0,
      }));
    },

    /** Whether anyone may invoke the environment's services, or only who has a token. */
    async setPublic(name: unknown, isPublic: unknown): Promise<null> {
      const environment = open(name);
      if (typeof isPublic !== "boolean") {
        throw new LeverError(
          "malformed_request",
          "Cannot set who may call: allowed is true or false.",
        );
      }
      await environments.change(environment, { isPublic });
      return null;
    },

    /** Which origins' pages may call an environment's services: `["*"]` for any, `[]` for none. */
    async setCorsOrigins(name: unknown, corsOrigins: unknown): Promise<null> {
      const environment = open(name);
      if (
        !Array.isArray(corsOrigins) ||
        corsOrigins.length > ORIGINS_MAX ||
        !corsOrigins.every(isOrigin)
      ) {
        throw new LeverError(
          "malformed_request",
          'Cannot set the origins: allowed is a list of origins such as "https://app.example", or of "*".',
        );
      }
      await environments.change(environment, { corsOrigins });
      return null;
    },

    /** What the environment's instances may reach by their own network: at once, also those that run. */
    async setNetwork(name: unknown, wanted: unknown): Promise<null> {
      const environment = open(name);
      const network = parseNetworkPolicy(wanted);
      if (typeof network === "object" && "wrong" in network) {
        throw new LeverError("malformed_request", `Cannot set the network: ${network.wrong}.`);
      }
      if (network !== "internet" && !fleet.restrictsNetworks) {
        throw new LeverError(
          "not_supported",
          "Cannot set the network: instances that run as plain processes reach all that the host reaches. Containers can be held to it: lever doctor says what they need.",
        );
      }
      await environments.change(environment, { network });
      return null;
    },

    /** One that has services only with `{force: true}`: they go with it, and all they have kept. */
    async removeEnvironment(name: unknown, wanted?: unknown): Promise<null> {
      const environment = open(name);
      const services = router.environment(environment)?.services.size ?? 0;
      const isForced =
        typeof wanted === "object" && wanted !== null && "force" in wanted && wanted.force === true;
      if (services > 0 && !isForced) {
        throw new LeverError(
          "malformed_request",
          `Cannot remove ${environment}: it has ${services} services, which would be lost with all they have kept.`,
        );
      }
      await deployer.removeEnvironment(environment);
      environments.forget(environment);
      return null;
    },

    /** For one service, or with `""` for all of the environment. Their instances are replaced. */
    async setVariable(
      name: unknown,
      service: unknown,
      variable: unknown,
      value: unknown,
      wanted?: unknown,
    ): Promise<RestartReport> {
      const environment = open(name);
      const of = requireText(service, "service");
      const place = { environment, service: of, name: requireText(variable, "name") };
      const isSecret =
        typeof wanted === "object" &&
        wanted !== null &&
        "secret" in wanted &&
        wanted.secret === true;
      await variables.set(place, requireText(value, "value"), isSecret);
      return await deployer.restartInstances(environment, of);
    },

    async unsetVariable(
      name: unknown,
      service: unknown,
      variable: unknown,
    ): Promise<RestartReport> {
      const environment = open(name);
      const of = requireText(service, "service");
      await variables.unset(environment, of, requireText(variable, "name"));
      return await deployer.restartInstances(environment, of);
    },

    async listVariables(name: unknown): Promise<VariableListing[]> {
      return await variables.list(open(name));
    },
  };
}

function isOrigin(value: unknown): value is string {
  return typeof value === "string" && (value === "*" || URL.parse(value)?.origin === value);
}

/** A host name, by the rule of Lever URLs. */
function parseName(value: unknown): string {
  const text = parseEnvironment(value);
  try {
    const { environment, resource } = parseLeverUrl(`lever://${text}/-/-`);
    if (resource === "" && !environment.includes(":")) return environment;
  } catch {
    // Told below.
  }
  throw new LeverError(
    "malformed_request",
    `Cannot create ${JSON.stringify(text)}: allowed is a host name, such as test.lever.`,
  );
}

/** What it is, and never what it says: it may be a secret. */
function requireText(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new LeverError("malformed_request", `Cannot set the variable: its ${what} is not a text.`);
}
