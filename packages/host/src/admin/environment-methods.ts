import type { Environments } from "../environments/environments.ts";
import { opensMachine } from "../launcher/machine-addresses.ts";
import {
  environment,
  flag,
  isPublic,
  networkPolicy,
  newEnvironment,
  origins,
} from "./arguments.ts";
import { adminMethod, type Methods } from "./method-table.ts";

export interface EnvironmentParts {
  readonly environments: Environments;
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
    async ({ environments }, name) => {
      await environments.create(name);
      return null;
    },
  ),

  listEnvironments: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [],
      does: "Lists all environments with their settings and their number of services.",
    },
    ({ environments }) =>
      environments.list().map(({ isPublic: isOpen, ...record }) => ({
        ...record,
        public: isOpen,
        services: environments.servicesOf(record.environment),
      })),
  ),

  setPublic: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, isPublic],
      does: "Sets whether every caller may call the services of an environment, without a token.",
    },
    async ({ environments }, name, isOpen) => {
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
    async ({ environments }, name, corsOrigins) => {
      await environments.change(name, { corsOrigins });
      return null;
    },
  ),

  setNetwork: adminMethod(
    {
      right: "admin",
      isChange: true,
      // The machine's own ports belong to no environment.
      needsAll: ([, policy]) => Array.isArray(policy) && opensMachine(policy.map(String)),
      arguments: [environment, networkPolicy],
      does: "Sets what its instances reach by their own network; ports of the machine itself need the right in all environments.",
    },
    async ({ environments }, name, network) => {
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
    async ({ environments }, name, isForced) => {
      await environments.remove(name, { isForced });
      return null;
    },
  ),
};
