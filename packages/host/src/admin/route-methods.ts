import type { Environments } from "../environments/environments.ts";
import { parseRouteAddress, type RouteAddress } from "../environments/route-address.ts";
import type { Routes } from "../environments/routes.ts";
import { type Argument, environment, optional, text } from "./arguments.ts";
import { adminMethod, type Methods } from "./method-table.ts";

export interface RouteParts {
  readonly environments: Environments;
  readonly routes: Routes;
}

const address: Argument<RouteAddress> = {
  name: "address",
  role: "target",
  read: (value) => parseRouteAddress(text("address").read(value)),
};

/** Methods for the host names of services. */
export const routeMethods: Methods<RouteParts, "addRoute" | "removeRoute" | "listRoutes"> = {
  addRoute: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, address, optional(text("service"))],
      does: "Leads a host name, or a path of it, to a service; `*.` at its beginning stands for the name of the service.",
    },
    async ({ environments, routes }, name, { host, path }, service = "") => {
      environments.require(name);
      await routes.add({ host, path, environment: name, service });
      return null;
    },
  ),

  removeRoute: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [environment, address],
      does: "Removes the route with an address.",
    },
    async ({ routes }, name, found) => {
      await routes.remove(name, found);
      return null;
    },
  ),

  listRoutes: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment],
      does: "Lists the host names that lead to services of an environment.",
    },
    async ({ environments, routes }, name) => {
      environments.require(name);
      return (await routes.list(name)).map(({ host, path, service }) => ({ host, path, service }));
    },
  ),
};
