import {
  aboutLimit,
  defaultLimits,
  type HostEvent,
  type InstanceStatus,
  type InstancesReport,
  LeverError,
  type LimitListing,
  type LimitName,
  type Limits,
  limitNames,
  type ScalingReport,
} from "@leveros/protocol";
import type { ServiceStream } from "@leveros/runtime";
import type { Fleet } from "../fleet/fleet.ts";
import type { Instance } from "../fleet/instance.ts";
import type { ServiceFleet } from "../fleet/service-fleet.ts";
import type { WarmPool } from "../launcher/warm-pool.ts";
import type { EventLog } from "../logs/event-log.ts";
import type { Router } from "../router/router.ts";
import { parseEnvironment, parseService, unknownEnvironment } from "./parse-arguments.ts";

export interface ObserveOptions {
  readonly fleet: Fleet;
  readonly router: Router;
  readonly limits: Limits;
  readonly overriddenLimits: ReadonlySet<LimitName>;
  readonly events: EventLog;
  readonly pool: WarmPool;
}

/** The admin service's methods that show what is going on, and change nothing. */
export function observeMethods(options: ObserveOptions): Record<string, unknown> {
  const { fleet, router, limits, overriddenLimits, events, pool } = options;

  const servicesOf = (environment: unknown, service: unknown): readonly ServiceFleet[] => {
    const name = parseEnvironment(environment);
    const routes = router.environment(name);
    if (routes === undefined) throw unknownEnvironment(name);
    const named = service === undefined || service === null ? undefined : parseService(service);
    if (named !== undefined && !routes.services.has(named)) {
      throw new LeverError("unknown_service", `There is no service ${named} in ${name}.`);
    }
    const names = named === undefined ? [...routes.services.keys()] : [named];
    return names.flatMap((of) => fleet.service(name, of) ?? []);
  };

  return {
    /** The instances of an environment, or of one service. */
    listInstances(environment: unknown, service?: unknown): InstancesReport {
      const instances = servicesOf(environment, service).flatMap((of) =>
        [...of.instances].flatMap((instance) => describe(instance, of)),
      );
      const { reserved, max } = fleet.ram;
      return {
        instances,
        host: {
          memoryBytes: process.memoryUsage.rss(),
          ramReserved: reserved,
          ramMax: max,
          warmReady: pool.ready,
          warmWanted: pool.wanted,
          starts: fleet.starts,
        },
      };
    },

    /** Why a service has as many instances as it has. */
    explainService(environment: unknown, service: unknown): ScalingReport {
      const [of] = servicesOf(environment, parseService(service));
      if (of === undefined) throw new LeverError("not_supported", "Lever itself is not scaled.");
      return of.explain();
    },

    listLimits(): LimitListing[] {
      return limitNames.map((name) => ({
        name,
        value: limits[name],
        default: defaultLimits[name],
        setBy: overriddenLimits.has(name) ? "lever up --limit" : "default",
        about: aboutLimit(name),
      }));
    },

    /** What has happened in an environment and to the host, or to one service; oldest first. */
    listEvents(environment: unknown, service?: unknown): HostEvent[] {
      const isWanted = eventFilter(environment, service);
      // An answer has its limit, too.
      return events.last().filter(isWanted).slice(-1_000);
    },

    /** What has happened to one instance, also when it is long gone; oldest first. */
    explainInstance(environment: unknown, instance: unknown): HostEvent[] {
      const isWanted = eventFilter(environment, undefined);
      const found = events
        .last()
        .filter((event) => isWanted(event) && event["instance"] === instance);
      if (found.length > 0) return found;
      throw new LeverError(
        "malformed_request",
        `Nothing is known of an instance ${JSON.stringify(instance)}: the host remembers the last ones for as long as it runs.`,
      );
    },

    /** What has happened, as `listEvents` tells it, and then what happens, until the caller leaves. */
    watchEventsChan(stream: ServiceStream, environment: unknown, service?: unknown): void {
      const isWanted = eventFilter(environment, service);
      const stop = events.watch((event) => {
        // Who does not keep up misses some, rather than to make the host keep them.
        if (isWanted(event) && !stream.writableNeedDrain) stream.write(event);
      });
      for (const event of events.last().filter(isWanted).slice(-1_000)) stream.write(event);
      stream.resume();
      stream.on("end", () => stream.end());
      stream.on("close", stop);
    },
  };
}

function eventFilter(environment: unknown, service: unknown): (event: HostEvent) => boolean {
  const name = parseEnvironment(environment);
  const named = service === undefined || service === null ? undefined : parseService(service);
  return (event) =>
    (event.environment === undefined || event.environment === name) &&
    (named === undefined || event.service === named);
}

function describe(instance: Instance, of: ServiceFleet): InstanceStatus[] {
  const { spec, target, pid } = instance;
  const { status: state } = instance;
  if (state === "exited") return [];
  return [
    {
      service: spec.service,
      instance: spec.instance,
      version: spec.version,
      state,
      callsInFlight: target.callsInFlight,
      streamsInFlight: target.streamsInFlight,
      resources: of.route.resourcesOf(target),
      pid,
      memoryBytes: instance.memoryBytes,
      ram: spec.ram,
      startedAt: instance.startedAt.toISOString(),
      ...(target.start !== undefined && { start: target.start }),
    },
  ];
}
