import {
  isJsonObject,
  LeverError,
  type ResourceListing,
  type ResourceQuery,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { ResourcePhase } from "../router/resource-phase.ts";
import type { Router } from "../router/router.ts";
import type { ServiceRoute } from "../router/service-route.ts";
import { type Argument, environment, service } from "./arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import { adminMethod, type Methods } from "./method-table.ts";

const COUNT_MAX = 100;
const COUNT = 50;
const TEXT_LENGTH_MAX = 200;

export interface ResourceParts {
  readonly router: Router;
  readonly clock: Clock;
}

const query: Argument<ResourceQuery> = {
  name: "{text?, from?, count?}?",
  read(value) {
    if (value === undefined || value === null) return {};
    if (!isJsonObject(value)) throw refused("it is not an object");
    const { text = "", from = 0, count = COUNT } = value;
    if (typeof text !== "string" || text.length > TEXT_LENGTH_MAX) {
      throw refused(`\`text\` is not a text of at most ${TEXT_LENGTH_MAX} characters`);
    }
    if (!isCount(from) || !isCount(count) || count > COUNT_MAX) {
      throw refused(
        `\`from\` and \`count\` are numbers of resources, \`count\` up to ${COUNT_MAX}`,
      );
    }
    return { text, from, count };
  },
};

/** Methods about the resources of a service. */
export const resourceMethods: Methods<ResourceParts, "listResources"> = {
  listResources: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, service, query],
      does: "Lists resources of a service with their owners on the answering host, oldest first: a window of at most 100 of them.",
    },
    ({ router, clock }, place, name, { text = "", from = 0, count = COUNT }) => {
      const route = findEnvironment(router, place).services.get(name);
      if (route === undefined) {
        throw new LeverError("unknown_service", `There is no service ${name} in ${place}.`);
      }
      // Not sorted: there may be so many that it would delay calls.
      const found =
        text === ""
          ? [...route.ownerships]
          : [...route.ownerships].filter(({ resource }) => resource.includes(text));
      const rows = found.slice(from, from + count).map((of) => listingOf(of, clock.now()));
      return { total: route.resources, found: found.length, from, rows };
    },
  ),
};

const states: Readonly<Record<ResourcePhase, ResourceListing["state"]>> = {
  unplaced: "waiting",
  claiming: "waiting",
  claimed: "waiting",
  opening: "opening",
  open: "open",
  handingOver: "moving",
  closing: "closing",
  ownerExiting: "closing",
  openerExiting: "closing",
  releasing: "closing",
  elsewhere: "elsewhere",
};

type Ownership = ServiceRoute["ownerships"] extends Iterable<infer Item> ? Item : never;

function listingOf(of: Ownership, now: number): ResourceListing {
  const { resource, owner, epoch, phase, calls, streams, waiting, lastUsedAt } = of;
  const isInUse = calls + streams > 0;
  return {
    resource,
    ...(owner !== undefined && { instance: owner.instance }),
    epoch,
    state: states[phase],
    calls,
    streams,
    callsWaiting: waiting.size,
    idleMs: isInUse ? 0 : Math.round(now - lastUsedAt),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function refused(reason: string): LeverError {
  return new LeverError("malformed_request", `Cannot list resources: ${reason}.`);
}
