import type { Fleet } from "../fleet/fleet.ts";
import type { EventLog } from "../logs/event-log.ts";
import type { Router } from "../router/router.ts";
import type { HostFacts } from "./host-facts.ts";
import { EVENT_AGE_MAX_MS, hostWarnings, isHostWarning } from "./host-warnings.ts";
import { mergeStatus } from "./merge-reports.ts";
import { adminMethod, type Methods } from "./method-table.ts";

/** More than enough to have the last event of each kind. */
const EVENTS_MAX = 100;

export interface StatusParts {
  readonly router: Router;
  readonly fleet: Fleet;
  readonly events: Pick<EventLog, "find">;
  /** Milliseconds since 1970. */
  readonly wallTime: () => number;
  readonly hostFacts: () => Promise<HostFacts>;
}

/** Methods about the host as a unit. */
export const statusMethods: Methods<StatusParts, "getStatus"> = {
  getStatus: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [],
      does: "Describes the host: version, uptime, isolation, disk, database and warnings.",
      merge: mergeStatus,
    },
    async ({ router, fleet, events, wallTime, hostFacts }) => {
      const { isolationReason, sharedUserReason, certificateEndsAt, firstTokenCommand, ...facts } =
        await hostFacts();
      const now = wallTime();
      const recent = await events.find({
        isWanted: isHostWarning,
        max: EVENTS_MAX,
        since: Math.max(now - EVENT_AGE_MAX_MS, Date.parse(facts.startedAt)),
      });
      // Lever's own environment has no service of the fleet.
      const environments = [...router.environments.values()].filter(
        ({ access }) => access.kind === "services",
      );
      const services = [...router.environments.keys()].flatMap((name) => fleet.servicesOf(name));
      const failing = services.filter((of) => of.failing !== undefined);
      return {
        ...facts,
        uptimeMs: now - Date.parse(facts.startedAt),
        environments: environments.length,
        services: services.length,
        instances: services.reduce((sum, { instances }) => sum + instances.length, 0),
        memory: {
          hostBytes: process.memoryUsage.rss(),
          ramReserved: fleet.ram.reserved,
          ramMax: fleet.ram.max,
        },
        warnings: hostWarnings(
          { isolationReason, sharedUserReason, certificateEndsAt, firstTokenCommand, ...facts },
          { failing: failing.map(({ live }) => live.service), events: recent, now },
        ),
      };
    },
  ),
};
