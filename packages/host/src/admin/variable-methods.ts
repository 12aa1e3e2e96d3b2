import type { Deployer } from "../deployer/deployer.ts";
import type { Variables } from "../environments/variables.ts";
import type { Router } from "../router/router.ts";
import { environment, flag, serviceOrAll, text } from "./arguments.ts";
import { checkChangeable } from "./find-environment.ts";
import { adminMethod, type Methods } from "./method-table.ts";

export interface VariableParts {
  readonly router: Router;
  readonly deployer: Deployer;
  readonly variables: Variables;
}

/** Methods for the variables that services see. */
export const variableMethods: Methods<
  VariableParts,
  "setVariable" | "unsetVariable" | "listVariables"
> = {
  setVariable: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, serviceOrAll, text("name"), text("value"), flag("secret")],
      does: 'Sets a variable of a service, or of all services (`""`), and replaces their instances.',
    },
    async ({ router, variables, deployer }, place, service, name, value, isSecret) => {
      checkChangeable(router, place);
      await variables.set({ environment: place, service, name }, value, isSecret);
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
    async ({ router, variables, deployer }, place, service, name) => {
      checkChangeable(router, place);
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
    async ({ router, variables }, place) => {
      checkChangeable(router, place);
      return await variables.list(place);
    },
  ),
};
