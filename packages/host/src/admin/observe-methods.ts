import {
  aboutLimit,
  archiveFormats,
  defaultLimits,
  type EventFilter,
  type HostEvent,
  type InstanceStatus,
  LeverError,
  type LimitName,
  type Limits,
  limitNames,
  serviceKey,
} from "@leveros/protocol";
import type { KeptVersions } from "../deployer/kept-files.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Instance } from "../fleet/instance.ts";
import type { ServiceFleet } from "../fleet/service-fleet.ts";
import type { WarmPool } from "../launcher/warm-pool.ts";
import type { EventLog } from "../logs/event-log.ts";
import type { Router } from "../router/router.ts";
import { environment, optionalEnvironment, optionalService, service, text } from "./arguments.ts";
import type { ClusterParts } from "./cluster-methods.ts";
import { findEnvironment } from "./find-environment.ts";
import { EVENTS_MAX, eventFilter, eventQuery } from "./log-filter.ts";
import { happenedAt, mergeByTime } from "./merge-by-time.ts";
import { mergeEvents, mergeInstances, mergeScaling } from "./merge-reports.ts";
import { adminMethod, adminStream, type Methods } from "./method-table.ts";
import { WaitingMessages } from "./waiting-messages.ts";

export interface ObserveParts extends ClusterParts {
  readonly fleet: Fleet;
  readonly keptVersions: Pick<KeptVersions, "saltOf">;
  readonly router: Router;
  readonly limits: Limits;
  readonly overriddenLimits: ReadonlySet<LimitName>;
  readonly events: EventLog;
  readonly pool: WarmPool;
}

/** Methods that show the state of the host and its services, and change nothing. */
export const observeMethods: Methods<
  ObserveParts,
  | "listInstances"
  | "explainService"
  | "listEvents"
  | "watchEventsChan"
  | "explainInstance"
  | "listLimits"
  | "listArchiveLimits"
> = {
  listInstances: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, optionalService],
      does: "Lists instances with their state and load, and the memory and starts of the host.",
      merge: mergeInstances,
    },
    (parts, name, of) => {
      const { fleet, pool } = parts;
      const { reserved, max } = fleet.ram;
      return {
        instances: findServices(parts, name, of).flatMap((found) =>
          found.instances.flatMap((instance) => statusOf(instance, found)),
        ),
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
  ),

  explainService: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, service],
      does: "Explains why a service has as many instances as it has.",
      merge: mergeScaling,
    },
    (parts, name, of) => {
      const [found] = findServices(parts, name, of);
      if (found !== undefined) {
        const placement = parts.cluster?.placement?.explain(serviceKey(name, of));
        return { ...found.explain(), ...(placement !== undefined && { placement }) };
      }
      throw new LeverError("not_supported", "Cannot explain the admin service: it is not scaled.");
    },
  ),

  listEvents: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [optionalEnvironment, optionalService, eventFilter],
      does: "Lists the last 1,000 events of an environment or service and of the host, oldest first; without an environment, of all.",
      merge: mergeEvents(
        EVENTS_MAX,
        (_place: string | undefined, _of: string | undefined, filter: EventFilter) => filter,
      ),
    },
    ({ events }, name, of, filter) => events.find(eventQuery(filter, eventsOf(name, of))),
  ),

  watchEventsChan: adminStream(
    {
      right: "look",
      isChange: false,
      arguments: [optionalEnvironment, optionalService, eventFilter],
      does: "Sends the same events, and then each new one, until the caller ends the stream; `{dropped}` says how many a slow caller has missed.",
      mergeStreams: mergeByTime(happenedAt),
    },
    async ({ events }, stream, name, of, filter) => {
      const query = eventQuery(filter, eventsOf(name, of));
      const waiting = new WaitingMessages<HostEvent>((message) => stream.write(message));
      const { before, stop } = events.watch((event) => {
        if (query.isWanted(event)) waiting.add(event);
      });
      const ended = new Promise((resolve) => stream.once("end", resolve).once("close", resolve));
      stream.on("drain", () => waiting.send());
      stream.resume();
      try {
        const past = await events.find({ ...query, before });
        for (const event of past) stream.write(event);
        waiting.send();
        await ended;
      } finally {
        stop();
      }
    },
  ),

  explainInstance: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, text("instance")],
      does: "Lists the events of one instance, also after it has exited.",
      merge: mergeEvents(EVENTS_MAX, () => ({})),
    },
    async ({ events }, name, instance) => {
      const isOfEnvironment = eventsOf(name, undefined);
      const isWanted = (event: HostEvent): boolean =>
        event["instance"] === instance && isOfEnvironment(event);
      const found = await events.find({ isWanted, max: EVENTS_MAX });
      if (found.length > 0) return found;
      throw new LeverError(
        "not_found",
        `Cannot explain the instance ${JSON.stringify(instance)}: the host has no events of it, or no longer.`,
      );
    },
  ),

  listLimits: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [],
      does: "Lists every limit, its value and default, and where it was set.",
    },
    ({ limits, overriddenLimits }) =>
      limitNames.map((name) => ({
        name,
        value: limits[name],
        default: defaultLimits[name],
        setBy: overriddenLimits.has(name) ? "lever up --limit" : "default",
        about: aboutLimit(name),
      })),
  ),

  listArchiveLimits: adminMethod(
    {
      right: "deploy",
      isChange: false,
      arguments: [environment, optionalService],
      does: "Lists the limits and formats of a deployed archive; of a service, also its live version and the key of its files' digests.",
    },
    ({ router, limits, fleet, keptVersions }, name, of) => {
      findEnvironment(router, name);
      const { archiveBytesMax, unpackedBytesMax, archiveEntriesMax } = limits;
      const terms = { archiveBytesMax, unpackedBytesMax, archiveEntriesMax };
      const live = of === undefined ? undefined : fleet.service(name, of)?.live;
      const salt = keptVersions.saltOf(name);
      const deployed = live && { version: live.version, salt };
      return { ...terms, formats: archiveFormats, ...(deployed !== undefined && { deployed }) };
    },
  ),
};

/** A service of an environment, or all. @throws LeverError `unknown_environment`, `unknown_service` */
function findServices(
  { router, fleet }: Pick<ObserveParts, "router" | "fleet">,
  name: string,
  only: string | undefined,
): readonly ServiceFleet[] {
  const { services } = findEnvironment(router, name);
  if (only !== undefined && !services.has(only)) {
    throw new LeverError("unknown_service", `There is no service ${only} in ${name}.`);
  }
  const names = only === undefined ? [...services.keys()] : [only];
  return names.flatMap((of) => fleet.service(name, of) ?? []);
}

/** Events of an environment or of one of its services, and of the host itself. undefined = of all environments. */
function eventsOf(name: string | undefined, of: string | undefined): (event: HostEvent) => boolean {
  return (event) =>
    (name === undefined || event.environment === undefined || event.environment === name) &&
    (of === undefined || event.service === of);
}

export function statusOf(instance: Instance, of: ServiceFleet): InstanceStatus[] {
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
      memoryBytes: instance.runtime.memoryBytes,
      ram: spec.ram,
      startedAt: instance.startedAt.toISOString(),
      ...(target.start !== undefined && { start: target.start }),
    },
  ];
}
