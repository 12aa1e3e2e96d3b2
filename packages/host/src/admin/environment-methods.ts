import {
  type EnvironmentListing,
  LeverError,
  parseLeverUrl,
  type RollReport,
  type VariableListing,
} from "@leveros/protocol";
import type { Deployer } from "../deployer/deployer.ts";
import type { Router } from "../router/router.ts";
import type { Store } from "../store/store.ts";
import type { Variables } from "../variables/variables.ts";
import { parseEnvironment, unknownEnvironment } from "./parse-arguments.ts";

const ENVIRONMENTS_MAX = 10_000;

export interface EnvironmentOptions {
  readonly store: Store;
  readonly router: Router;
  readonly deployer: Deployer;
  readonly variables: Variables;
}

/** The admin service's methods about environments, and what their services see. */
export function environmentMethods(options: EnvironmentOptions): Record<string, unknown> {
  const { store, router, deployer, variables } = options;

  /** An environment that takes services. */
  const open = (value: unknown): string => {
    const environment = parseEnvironment(value);
    const access = router.environment(environment)?.access;
    if (access === undefined) throw unknownEnvironment(environment);
    if (access.isOpenToInstances) return environment;
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
      if ((await store.environments()).length >= ENVIRONMENTS_MAX) {
        throw new LeverError("overloaded", `Cannot create ${environment}: there are too many.`);
      }
      const corsOrigins = ["*"];
      await store.putEnvironment({ environment, corsOrigins, isPublic: false });
      router.setEnvironment(environment, {
        corsOrigins: new Set(corsOrigins),
        isOpenToInstances: true,
        isPublic: false,
      });
      return null;
    },

    async listEnvironments(): Promise<EnvironmentListing[]> {
      return (await store.environments()).map(({ environment, corsOrigins, isPublic }) => ({
        environment,
        corsOrigins,
        public: isPublic,
        services: router.environment(environment)?.services.size ?? 0,
      }));
    },

    /** Whether anyone may invoke the environment's services, or only who has a token. */
    async setPublic(name: unknown, isPublic: unknown): Promise<null> {
      const environment = open(name);
      const routes = router.environment(environment);
      if (routes === undefined) throw unknownEnvironment(environment);
      if (typeof isPublic !== "boolean") {
        throw new LeverError(
          "malformed_request",
          "Cannot set who may call: allowed is true or false.",
        );
      }
      const { access } = routes;
      await store.putEnvironment({ environment, corsOrigins: [...access.corsOrigins], isPublic });
      router.setEnvironment(environment, { ...access, isPublic });
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
      return null;
    },

    /** For one service, or with `""` for all of the environment. Their instances are replaced. */
    async setVariable(
      name: unknown,
      service: unknown,
      variable: unknown,
      value: unknown,
      wanted?: unknown,
    ): Promise<RollReport> {
      const environment = open(name);
      const of = requireText(service, "service");
      const place = { environment, service: of, name: requireText(variable, "name") };
      const isSecret =
        typeof wanted === "object" &&
        wanted !== null &&
        "secret" in wanted &&
        wanted.secret === true;
      await variables.set(place, requireText(value, "value"), isSecret);
      return await deployer.roll(environment, of);
    },

    async unsetVariable(name: unknown, service: unknown, variable: unknown): Promise<RollReport> {
      const environment = open(name);
      const of = requireText(service, "service");
      await variables.unset(environment, of, requireText(variable, "name"));
      return await deployer.roll(environment, of);
    },

    async listVariables(name: unknown): Promise<VariableListing[]> {
      return await variables.list(open(name));
    },
  };
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
