import type {
  CallFilter,
  CallRecord,
  CallTrace,
  EventFilter,
  HostEvent,
  HostStatus,
  InstancesReport,
  LogFilter,
  LogPage,
  LogRecord,
  ScalingReport,
  ServiceListing,
} from "@leveros/protocol";
import { PAGE_RECORDS, PAGE_RECORDS_MAX } from "../logs/find-records.ts";
import { first, mergeTraffic, sumOf } from "./merge-traffic.ts";
import type { HostReply, Merge } from "./method-table.ts";

const LISTED_CALLS = 100;

/** The newest so many of several lists, oldest first, each with the name of its host. */
function newest<Of extends { readonly at: string }>(
  lists: readonly HostReply<readonly Of[]>[],
  max: number,
): readonly (Of & { readonly host: string })[] {
  return lists
    .flatMap(({ host, reply }) => reply.map((of) => ({ ...of, host })))
    .sort(byTime)
    .slice(-max);
}

function byTime(one: { readonly at: string }, other: { readonly at: string }): number {
  if (one.at === other.at) return 0;
  return one.at < other.at ? -1 : 1;
}

export const mergeInstances: Merge<InstancesReport> = (replies) => {
  const hosts = replies.map(({ host, reply }) => ({ ...reply.host, host }));
  return {
    instances: replies.flatMap(({ host, reply }) => reply.instances.map((of) => ({ ...of, host }))),
    host: {
      memoryBytes: sumOf(hosts, ({ memoryBytes }) => memoryBytes),
      ramReserved: sumOf(hosts, ({ ramReserved }) => ramReserved),
      ramMax: sumOf(hosts, ({ ramMax }) => ramMax),
      warmReady: sumOf(hosts, ({ warmReady }) => warmReady),
      warmWanted: sumOf(hosts, ({ warmWanted }) => warmWanted),
      starts: {
        count: sumOf(hosts, ({ starts }) => starts.count),
        warm: sumOf(hosts, ({ starts }) => starts.warm),
        medianMs: Math.max(...hosts.map(({ starts }) => starts.medianMs)),
      },
    },
    hosts,
  };
};

export const mergeServices: Merge<readonly ServiceListing[]> = (replies) => {
  const all = replies.flatMap(({ host, reply }) =>
    reply.map(({ instances, ...of }) => ({
      ...of,
      instances: instances.map((instance) => ({ ...instance, host })),
    })),
  );
  return [...Map.groupBy(all, ({ service }) => service).values()].flatMap((same) => {
    const [own] = same;
    if (own === undefined) return [];
    const traffic = same.flatMap((of) => of.traffic ?? []);
    return {
      ...own,
      instances: same.flatMap(({ instances }) => instances),
      traffic: traffic.length === 0 ? undefined : mergeTraffic(traffic),
      failing: same.find(({ failing }) => failing !== undefined)?.failing,
    };
  });
};

/** Every host has the same services. The home of a service has decided by the sums; without it, they are added up here. */
export const mergeScaling: Merge<ScalingReport> = (replies) => {
  const home = replies.find(({ reply }) => reply.placement?.decided !== undefined);
  const own = home?.reply ?? first(replies);
  const now = replies.map(({ reply }) => reply.now);
  return {
    ...own,
    now: {
      ...own.now,
      callsInFlight: sumOf(now, ({ callsInFlight }) => callsInFlight),
      callsWaiting: sumOf(now, ({ callsWaiting }) => callsWaiting),
      needed: sumOf(now, ({ needed }) => needed),
      wanted: sumOf(now, ({ wanted }) => wanted),
      running: sumOf(now, ({ running }) => running),
      unresponsive: sumOf(now, ({ unresponsive }) => unresponsive),
      draining: sumOf(now, ({ draining }) => draining),
      ...own.placement?.decided?.sums,
    },
    hosts: replies.map(({ host, reply: { now: of, placement } }) => ({
      host,
      told: placement?.told ?? null,
      now: of,
    })),
  };
};

export const mergeEvents =
  <Values extends readonly unknown[]>(
    max: number,
    filterOf: (...values: Values) => EventFilter,
  ): Merge<readonly HostEvent[], Values> =>
  (replies, ...values) =>
    newest(replies, Math.min(max, filterOf(...values).max ?? max));

export const mergeCalls: Merge<
  readonly CallRecord[],
  [place: string, filter: CallFilter | undefined]
> = (replies, _place, filter = {}) => {
  const { limit = LISTED_CALLS, running } = filter;
  if (running !== true) return newest(replies, limit);
  const calls = newest(replies, Number.POSITIVE_INFINITY);
  return calls.toSorted((a, b) => b.ms - a.ms).slice(0, limit);
};

/** The parts of one trace that several hosts have. A call that two of them have is the one of the first. */
export const mergeTraces: Merge<CallTrace> = (replies) => {
  const { traceId } = first(replies);
  const calls = new Map<string, CallRecord>();
  for (const { host, reply } of replies) {
    for (const call of reply.calls) if (!calls.has(call.id)) calls.set(call.id, { ...call, host });
  }
  const ordered = [...calls.values()].sort(byTime);
  return { id: ordered[0]?.id ?? first(replies).id, traceId, calls: ordered };
};

/**
 * A page of the records of several hosts. It has no record that is older than one that a host has and has not sent, and ends
 * at a whole millisecond, as the times of records in replies do.
 */
export const mergeLogs: Merge<LogPage, [place: string, filter: LogFilter]> = (
  replies,
  _place,
  filter,
) => {
  const max = Math.min(filter.max ?? PAGE_RECORDS, PAGE_RECORDS_MAX);
  const lists = replies.map(({ host, reply }) => ({ host, reply: reply.records }));
  const records = newest(lists, Number.POSITIVE_INFINITY);
  const nexts = replies.flatMap(({ reply }) => reply.next ?? []);
  const completeFrom = Math.ceil(Math.max(...nexts, Number.NEGATIVE_INFINITY));
  const complete = records.filter(({ at }) => Date.parse(at) >= completeFrom);
  const from = Math.max(completeFrom, pageStart(complete, max));
  const page = complete.filter(({ at }) => Date.parse(at) >= from);
  if (from === Number.NEGATIVE_INFINITY) return { records };
  // All records of a host are of one millisecond: the page ends within it.
  if (page.length === 0) return { records, next: Math.max(...nexts) };
  return { records: page, next: from };
};

/** The first millisecond of which all records belong to a page of so many. Those of one millisecond stay together. */
function pageStart(records: readonly LogRecord[], max: number): number {
  if (records.length <= max) return Number.NEGATIVE_INFINITY;
  const times = records.map(({ at }) => Date.parse(at));
  const oldest = times[times.length - max] ?? 0;
  const isWhole = times[times.length - max - 1] !== oldest;
  const next = times.find((time) => time > oldest);
  return isWhole || next === undefined ? oldest : next;
}

export const mergeStatus: Merge<HostStatus> = (replies) => ({
  ...first(replies),
  instances: sumOf(replies, ({ reply }) => reply.instances),
  warnings: replies.flatMap(({ host, reply }) => reply.warnings.map((text) => `${host}: ${text}`)),
  hosts: replies.map(({ reply }) => reply),
});
