import type { Observation } from "../history/service-minutes.ts";
import type { HostParts } from "./host-parts.ts";

/** Observes a host and its services for the history. Services without instances and waiting calls are left out. */
export function observe({
  router,
  fleet,
  meters,
}: Pick<HostParts, "router" | "fleet" | "meters">): Observation {
  const services = [...router.environments.values()].flatMap((routes) =>
    [...routes.services.values()].flatMap(({ environment, service, callsWaiting }) => {
      const { instances = [] } = fleet.service(environment, service) ?? {};
      if (instances.length === 0 && callsWaiting === 0) return [];
      return {
        environment,
        service,
        callsWaiting,
        instances: instances.length,
        memoryBytes: instances.reduce((sum, { runtime }) => sum + runtime.memoryBytes, 0),
        cpuSeconds: instances.reduce(
          (sum, { runtime }) => sum + (runtime.cpuSeconds ?? 0),
          meters.services.find(environment, service)?.pastCpuSeconds ?? 0,
        ),
      };
    }),
  );
  const { user, system } = process.cpuUsage();
  return { services, memoryBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 };
}
