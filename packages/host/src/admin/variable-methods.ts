import type { Deployer } from "../deployer/deployer.ts";
import type { Environments } from "../environments/environments.ts";
import type { Variables } from "../environments/variables.ts";
import {
  environment,
  flag,
  serviceOrAll,
  text,
  variables as variablesArgument,
} from "./arguments.ts";
import { adminMethod, type Methods } from "./method-table.ts";

export interface VariableParts {
  readonly environments: Environments;
  readonly deployer: Deployer;
  readonly variables: Variables;
}

/** Methods for the variables that services see. */
export const variableMethods: Methods<
  VariableParts,
  "setVariable" | "setVariables" | "unsetVariable" | "listVariables"
> = {
  setVariable: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, serviceOrAll, text("name"), text("value"), flag("secret")],
      does: 'Sets a variable of a service, or of all services (`""`), and replaces their instances.',
    },
    async ({ environments, variables, deployer }, place, service, name, value, isSecret) => {
      environments.require(place);
      await variables.set({ environment: place, service }, { [name]: value }, isSecret);
      return await deployer.restartInstances(place, service);
    },
  ),

  setVariables: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, serviceOrAll, variablesArgument, flag("secret")],
      does: "Sets several variables, all or none of them, and replaces the instances once.",
    },
    async ({ environments, variables, deployer }, place, service, values, isSecret) => {
      environments.require(place);
      await variables.set({ environment: place, service }, values, isSecret);
      return await deployer.restartInstances(place, service);
    },
  ),

  unsetVariable: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, serviceOrAll, text("name")],
      does: "Removes a variable, and replaces the instances that had it.",
    },
    async ({ environments, variables, deployer }, place, service, name) => {
      environments.require(place);
      await variables.unset(place, service, name);
      return await deployer.restartInstances(place, service);
    },
  ),

  listVariables: adminMethod(
    {
      right: "admin",
      isChange: false,
      arguments: [environment],
      does: "Lists the variables of an environment, without the values of secrets.",
    },
    async ({ environments, variables }, place) => {
      environments.require(place);
      return await variables.list(place);
    },
  ),
};
