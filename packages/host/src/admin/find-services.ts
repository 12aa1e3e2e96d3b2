import {
  isJsonObject,
  LeverError,
  type ServiceOrder,
  type ServiceQuery,
  type ServiceRow,
  type ServiceWindow,
} from "@leveros/protocol";
import type { Argument } from "./arguments.ts";

const COUNT_MAX = 100;
const COUNT = 50;
const TEXT_LENGTH_MAX = 200;

const states: readonly NonNullable<ServiceQuery["state"]>[] = ["awake", "failing"];

/** A service before its row is made: rows are made of those that are shown only. */
export interface FoundService {
  readonly service: string;
  readonly description: string;
  readonly version: number;
  readonly instances: number;
  readonly isFailing: boolean;
  readonly callsPerSecond: number;
  readonly errorsPerSecond: number;
  readonly p95Ms: () => number | null;
}

const orders: Readonly<Record<ServiceOrder, (of: FoundService) => string | number>> = {
  service: ({ service }) => service,
  version: ({ version }) => version,
  instances: ({ instances }) => instances,
  calls: ({ callsPerSecond }) => callsPerSecond,
  errors: ({ errorsPerSecond }) => errorsPerSecond,
  p95: ({ p95Ms }) => p95Ms() ?? -1,
};

export const serviceQuery: Argument<ServiceQuery> = {
  name: "{text?, state?, sort?, descending?, from?, count?}?",
  read(value) {
    if (value === undefined || value === null) return {};
    if (!isJsonObject(value)) throw refused("it is not an object");
    const { text, state, sort, descending, from, count } = value;
    if (text !== undefined && !(typeof text === "string" && text.length <= TEXT_LENGTH_MAX)) {
      throw refused(`\`text\` is not a text of at most ${TEXT_LENGTH_MAX} characters`);
    }
    const knownState = states.find((known) => known === state);
    if (state !== undefined && knownState === undefined) {
      throw refused(`\`state\` is neither ${states.join(" nor ")}`);
    }
    if (sort !== undefined && !isOrder(sort)) {
      throw refused(`\`sort\` is none of ${Object.keys(orders).join(", ")}`);
    }
    if (descending !== undefined && typeof descending !== "boolean") {
      throw refused("`descending` is neither true nor false");
    }
    if (!isCount(from) || !isCount(count) || Number(count ?? 0) > COUNT_MAX) {
      throw refused(`\`from\` and \`count\` are numbers of services, \`count\` up to ${COUNT_MAX}`);
    }
    return {
      ...(text !== undefined && { text }),
      ...(knownState !== undefined && { state: knownState }),
      ...(sort !== undefined && { sort }),
      ...(descending !== undefined && { descending }),
      ...(from !== undefined && { from }),
      ...(count !== undefined && { count }),
    };
  },
};

/** The services that a query lets through, in its order: those of its window as rows. */
export function windowOf(
  services: readonly FoundService[],
  query: ServiceQuery,
  rowOf: (service: string) => ServiceRow,
): ServiceWindow {
  const { sort = "service", descending = false, from = 0, count = COUNT } = query;
  const text = query.text?.toLowerCase() ?? "";
  const found = services.filter(
    ({ service, description, instances, isFailing }) =>
      (query.state !== "awake" || instances > 0) &&
      (query.state !== "failing" || isFailing) &&
      (text === "" ||
        service.toLowerCase().includes(text) ||
        description.toLowerCase().includes(text)),
  );
  const rankOf = orders[sort];
  // Each value is read once. Services of one value stay in the order of their names.
  const ordered = found
    .map((of) => ({ name: of.service, value: rankOf(of) }))
    .sort((a, b) => compare(a.value, b.value) * (descending ? -1 : 1) || compare(a.name, b.name));
  const rows = ordered.slice(from, from + count).map(({ name }) => rowOf(name));
  return { total: services.length, found: found.length, from, rows };
}

/** Rows of several hosts in the order of a query, as many as its window has. */
export function orderRows(rows: readonly ServiceRow[], query: ServiceQuery): readonly ServiceRow[] {
  const { sort = "service", descending = false, count = COUNT } = query;
  const rankOf = orders[sort];
  const ranked = rows.map((row) => ({
    row,
    value: rankOf({ ...row, isFailing: false, p95Ms: () => row.p95Ms }),
  }));
  return ranked
    .sort(
      (a, b) =>
        compare(a.value, b.value) * (descending ? -1 : 1) || compare(a.row.service, b.row.service),
    )
    .slice(0, count)
    .map(({ row }) => row);
}

function compare(a: string | number, b: string | number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function isOrder(value: unknown): value is ServiceOrder {
  return typeof value === "string" && Object.hasOwn(orders, value);
}

function isCount(value: unknown): value is number | undefined {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0);
}

function refused(reason: string): LeverError {
  return new LeverError("malformed_request", `Cannot find services: ${reason}.`);
}
