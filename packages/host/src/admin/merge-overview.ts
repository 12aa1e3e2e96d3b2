import type {
  Overview,
  ServiceDetails,
  ServiceQuery,
  ServiceRow,
  ServiceWindow,
} from "@leveros/protocol";
import { orderRows } from "./find-services.ts";
import { first, mergeMethods, mergeSeries, mergeTraffic, sumOf } from "./merge-traffic.ts";
import type { Merge } from "./method-table.ts";

/** Services are counted by the host that counts the most of them: which ones the others count is not known. */
export const mergeOverview: Merge<Overview, [place: string, minutes: number]> = (replies) => {
  const all = replies.map(({ reply }) => reply);
  const most = (of: (one: Overview) => number): number => Math.max(...all.map(of));
  return {
    environment: first(replies).environment,
    services: most(({ services }) => services),
    awake: most(({ awake }) => awake),
    failing: most(({ failing }) => failing),
    instances: sumOf(all, ({ instances }) => instances),
    callsInFlight: sumOf(all, ({ callsInFlight }) => callsInFlight),
    callsWaiting: sumOf(all, ({ callsWaiting }) => callsWaiting),
    ...mergeTraffic(all),
    memory: {
      instancesBytes: sumOf(all, ({ memory }) => memory.instancesBytes),
      hostBytes: sumOf(all, ({ memory }) => memory.hostBytes),
      ramReserved: sumOf(all, ({ memory }) => memory.ramReserved),
      ramMax: sumOf(all, ({ memory }) => memory.ramMax),
    },
    series: mergeSeries(all.map(({ series }) => series)),
  };
};

/** Each host has chosen its window by its own numbers: a service that is in none of them is missing. */
export const mergeWindows: Merge<ServiceWindow, [place: string, query: ServiceQuery]> = (
  replies,
  _place,
  query,
) => {
  const all = replies.map(({ reply }) => reply);
  const rows = [
    ...Map.groupBy(
      all.flatMap((window) => window.rows),
      ({ service }) => service,
    ).values(),
  ].flatMap(mergeRows);
  return {
    total: Math.max(...all.map(({ total }) => total)),
    found: Math.max(...all.map(({ found }) => found)),
    from: first(replies).from,
    rows: orderRows(rows, query),
  };
};

function mergeRows(same: readonly ServiceRow[]): ServiceRow[] {
  const [own] = same;
  if (own === undefined) return [];
  const recent = same.flatMap((row) => (row.recent === undefined ? [] : [row.recent]));
  const [points] = recent;
  return [
    {
      ...own,
      ...mergeTraffic(same),
      instances: sumOf(same, ({ instances }) => instances),
      failing: same.find(({ failing }) => failing !== undefined)?.failing,
      recent: points?.map((_, index) => sumOf(recent, (of) => of[index] ?? 0)),
    },
  ];
}

export const mergeDetails: Merge<
  ServiceDetails,
  [place: string, service: string, minutes: number]
> = (replies) => {
  const all = replies.map(({ reply }) => reply);
  return {
    ...first(replies),
    ...mergeTraffic(all),
    callsInFlight: sumOf(all, ({ callsInFlight }) => callsInFlight),
    streamsOpen: sumOf(all, ({ streamsOpen }) => streamsOpen),
    callsWaiting: sumOf(all, ({ callsWaiting }) => callsWaiting),
    methodStats: mergeMethods(all.flatMap(({ methodStats }) => methodStats)),
    instances: replies.flatMap(({ host, reply }) => reply.instances.map((of) => ({ ...of, host }))),
    failing: all.find(({ failing }) => failing !== undefined)?.failing,
    series: mergeSeries(all.map(({ series }) => series)),
  };
};
