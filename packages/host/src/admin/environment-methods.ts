import { LeverError } from "@leveros/protocol";
import type { Deployer } from "../deployer/deployer.ts";
import type { Environments } from "../environments/environments.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Router } from "../router/router.ts";
import {
  environment,
  flag,
  isPublic,
  networkPolicy,
  newEnvironment,
  origins,
} from "./arguments.ts";
import { checkChangeable } from "./find-environment.ts";
import { adminMethod, type Methods } from "./method-table.ts";

const ENVIRONMENTS_MAX = 10_000;

export interface EnvironmentParts {
  readonly environments: Environments;
  readonly router: Router;
  readonly fleet: Fleet;
  readonly deployer: Deployer;
}

/** Methods that create, change, list and remove environments. */
export const environmentMethods: Methods<
  EnvironmentParts,
  | "createEnvironment"
  | "listEnvironments"
  | "setPublic"
  | "setCorsOrigins"
  | "setNetwork"
  | "removeEnvironment"
> = {
  createEnvironment: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [newEnvironment],
      does: "Creates an environment.",
    },
    async ({ environments, router }, name) => {
      if (router.environment(name) !== undefined) {
        throw new LeverError("malformed_request", `There is an environment ${name} already.`);
      }
      if (environments.list().length >= ENVIRONMENTS_MAX) {
        throw new LeverError(
          "overloaded",
          `Cannot create ${name}: there are ${ENVIRONMENTS_MAX} environments already.`,
        );
      }
      await environments.create(name);
      return null;
    },
  ),

  listEnvironments: adminMethod(
    {
      right: "admin",
      isChange: false,
      arguments: [],
      does: "Lists all environments with their settings and their number of services.",
    },
    ({ environments, router }) =>
      environments.list().map(({ isPublic: isOpen, ...record }) => ({
        ...record,
        public: isOpen,
        services: router.environment(record.environment)?.services.size ?? 0,
      })),
  ),

  setPublic: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, isPublic],
      does: "Sets whether every caller may call the services of an environment, without a token.",
    },
    async ({ environments, router }, name, isOpen) => {
      checkChangeable(router, name);
      await environments.change(name, { isPublic: isOpen });
      return null;
    },
  ),

  setCorsOrigins: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, origins],
      does: 'Sets the origins whose pages may call the services of an environment: `["*"]` for all, `[]` for none.',
    },
    async ({ environments, router }, name, corsOrigins) => {
      checkChangeable(router, name);
      await environments.change(name, { corsOrigins });
      return null;
    },
  ),

  setNetwork: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, networkPolicy],
      does: "Sets what the instances of an environment reach by their own network, including those that run.",
    },
    async ({ environments, router, fleet }, name, network) => {
      checkChangeable(router, name);
      if (network !== "internet" && !fleet.restrictsNetworks) {
        throw new LeverError(
          "not_supported",
          "Cannot set the network: instances that are plain processes reach all that the host reaches. Only containers can be restricted: lever doctor shows what they need.",
        );
      }
      await environments.change(name, { network });
      return null;
    },
  ),

  removeEnvironment: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, flag("force")],
      does: "Removes an environment; with `force`, also its services and all their data.",
    },
    async ({ environments, router, deployer }, name, isForced) => {
      const { services } = checkChangeable(router, name);
      if (services.size > 0 && !isForced) {
        throw new LeverError(
          "malformed_request",
          `Cannot remove ${name}: it has ${services.size} services, which would be deleted with all their data. To delete them too, set force.`,
        );
      }
      await deployer.removeEnvironment(name);
      environments.forget(name);
      return null;
    },
  ),
};
