import type { ServiceQuery, ServiceRow } from "@leveros/protocol";
import { expect, it } from "vitest";
import { type FoundService, serviceQuery, windowOf } from "./find-services.ts";

function found(service: string, more: Partial<FoundService> = {}): FoundService {
  return {
    service,
    description: "",
    version: 1,
    instances: 0,
    isFailing: false,
    callsPerSecond: 0,
    errorsPerSecond: 0,
    p95Ms: () => null,
    ...more,
  };
}

const services = [
  found("pay", { callsPerSecond: 3, instances: 1, description: "Takes money" }),
  found("shop", { callsPerSecond: 9, instances: 2, isFailing: true }),
  found("mail", { callsPerSecond: 3 }),
];

const rowOf = (service: string): ServiceRow => ({
  service,
  description: "",
  private: false,
  version: 1,
  instances: 0,
  callsPerSecond: 0,
  errorsPerSecond: 0,
  p50Ms: null,
  p95Ms: null,
  p99Ms: null,
});

const namesOf = (query: ServiceQuery): readonly string[] =>
  windowOf(services, query, rowOf).rows.map(({ service }) => service);

it.each<[query: ServiceQuery, names: readonly string[]]>([
  [{}, ["mail", "pay", "shop"]],
  [{ sort: "calls", descending: true }, ["shop", "mail", "pay"]],
  [{ sort: "calls" }, ["mail", "pay", "shop"]],
  [{ state: "awake" }, ["pay", "shop"]],
  [{ state: "failing" }, ["shop"]],
  [{ text: "MONEY" }, ["pay"]],
  [{ from: 1, count: 1 }, ["pay"]],
  [{ from: 5 }, []],
])("the window of %j has %j", (query, names) => {
  expect(namesOf(query)).toEqual(names);
});

it("a window says how many services there are, and how many its query lets through", () => {
  expect(windowOf(services, { text: "s", count: 0 }, rowOf)).toMatchObject({ total: 3, found: 2 });
});

it.each([
  7,
  { text: 1 },
  { state: "asleep" },
  { sort: "toString" },
  { descending: 1 },
  { from: -1 },
  { count: 101 },
  { count: 1.5 },
])("the query %j is refused", (query) => {
  expect(() => serviceQuery.read(query)).toThrow(/^Cannot find services: .*\.$/);
});
