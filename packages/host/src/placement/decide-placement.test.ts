import { describe, expect, it } from "vitest";
import { decidePlacement, type PlacedService, type PlacementHost } from "./decide-placement.ts";

const host = (id: string, ramMax: number, more: Partial<PlacementHost> = {}): PlacementHost => {
  const { running = 0 } = more;
  return {
    id,
    isOpen: true,
    canIsolate: true,
    ramMax,
    ramFree: ramMax - running * 100,
    running,
    load: 0,
    ...more,
  };
};
const place = (hosts: readonly PlacementHost[], service: Partial<PlacedService> = {}): string => {
  const { counts, missing } = decidePlacement(
    {
      wanted: 1,
      minInstances: 0,
      maxInstanceLoad: 10,
      ram: 100,
      before: new Map(),
      ...service,
    },
    hosts,
  );
  const shown = [...counts].map(([id, count]) => `${id}${count}`);
  return [...shown, ...(missing > 0 ? [`missing ${missing}`] : [])].join(" ");
};
const min = (minInstances: number): Partial<PlacedService> => ({
  wanted: minInstances,
  minInstances,
});

describe("an instance is placed", () => {
  it.each<
    [
      where: string,
      hosts: readonly PlacementHost[],
      service: Partial<PlacedService>,
      counts: string,
    ]
  >([
    [
      "by memory: hosts of different sizes fill up evenly",
      [host("a", 1_000), host("b", 2_000), host("c", 3_000)],
      min(6),
      "a1 b2 c3",
    ],
    [
      "on several hosts while minInstances is 2",
      [host("a", 1_000), host("b", 9_000)],
      min(2),
      "a1 b1",
    ],
    [
      "where more memory is free",
      [host("a", 1_000, { ramFree: 200 }), host("b", 1_000)],
      {},
      "a0 b1",
    ],
    ["where one runs already", [host("a", 9_000), host("b", 1_000, { running: 1 })], {}, "a0 b1"],
    ["where calls come in", [host("a", 9_000), host("b", 1_000, { load: 8 })], {}, "a0 b1"],
    [
      "where more calls come in than its instances should carry",
      [host("a", 1_000, { load: 25 }), host("b", 1_000, { load: 12 })],
      { wanted: 3 },
      "a2 b1",
    ],
    [
      "not on a host that drains or is lost",
      [host("a", 9_000, { isOpen: false, running: 2 }), host("b", 1_000)],
      { wanted: 2 },
      "a0 b2",
    ],
    [
      "only with the isolation that the environment needs",
      [host("a", 9_000, { canIsolate: false }), host("b", 1_000)],
      {},
      "a0 b1",
    ],
    ["nowhere without memory", [host("a", 100), host("b", 250)], { wanted: 5 }, "a1 b2 missing 2"],
    ["nowhere without hosts", [host("a", 1_000, { isOpen: false })], {}, "a0 missing 1"],
    [
      "not on a host that does not answer",
      [host("a", 9_000, { running: undefined }), host("b", 1_000)],
      {},
      "a0 b1",
    ],
  ])("%s", (_, hosts, service, counts) => {
    expect(place(hosts, service)).toBe(counts);
  });
});

describe("what was decided before", () => {
  const before = (counts: Readonly<Record<string, number>>): Partial<PlacedService> => ({
    before: new Map(Object.entries(counts)),
  });

  it.each<
    [what: string, hosts: readonly PlacementHost[], service: Partial<PlacedService>, counts: string]
  >([
    [
      "stays, although other hosts have more memory now",
      [host("a", 1_000, { running: 2 }), host("b", 9_000)],
      { ...before({ a: 2, b: 0 }), wanted: 2 },
      "a2 b0",
    ],
    [
      "stays on a host that does not answer for a moment",
      [host("a", 1_000, { running: undefined }), host("b", 1_000)],
      { ...before({ a: 2 }), wanted: 2 },
      "a2 b0",
    ],
    [
      "goes elsewhere when its host has no memory for it",
      [host("a", 1_000, { ramFree: 0 }), host("b", 1_000)],
      { ...before({ a: 2, b: 0 }), wanted: 2 },
      "a0 b2",
    ],
    [
      "is unknown to another home, which counts what runs",
      [host("a", 1_000, { running: 1 }), host("b", 9_000, { running: 2 })],
      { wanted: 3 },
      "a1 b2",
    ],
    [
      "ends where it has not started",
      [host("a", 1_000, { running: 1 }), host("b", 1_000)],
      { ...before({ a: 1, b: 1 }), wanted: 1 },
      "a1 b0",
    ],
    [
      "ends where fewer calls come in",
      [host("a", 1_000, { running: 2, load: 18 }), host("b", 1_000, { running: 1, load: 1 })],
      { ...before({ a: 2, b: 1 }), wanted: 2 },
      "a2 b0",
    ],
    [
      "ends on the host with two before it ends on one with the only one",
      [host("a", 1_000, { running: 2, load: 20 }), host("b", 1_000, { running: 1 })],
      { ...before({ a: 2, b: 1 }), ...min(2) },
      "a1 b1",
    ],
    [
      "moves to a host that has none while minInstances is 2",
      [host("a", 1_000, { running: 3 }), host("b", 1_000)],
      { ...before({ a: 3 }), ...min(3) },
      "a2 b1",
    ],
    [
      "does not move for memory alone",
      [host("a", 1_000, { running: 3 }), host("b", 9_000, { running: 1 })],
      { ...before({ a: 3, b: 1 }), ...min(4) },
      "a3 b1",
    ],
    [
      "ends everywhere when none is wanted",
      [host("a", 1_000, { running: 3 }), host("b", 1_000)],
      { ...before({ a: 3 }), wanted: 0 },
      "a0 b0",
    ],
  ])("%s", (_, hosts, service, counts) => {
    expect(place(hosts, service)).toBe(counts);
  });
});

it("decisions with the same numbers are the same, and never more than wanted", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 16) % below;
  };
  for (let round = 0; round < 500; round++) {
    const hosts = Array.from({ length: 1 + random(5) }, (_, index) => {
      const running = random(4);
      const ramFree = random(10) * 60;
      return host(`h${index}`, ramFree + running * 100 + random(500) + 1, {
        isOpen: random(5) > 0,
        running,
        ramFree,
        load: random(40),
      });
    });
    const wanted = random(12);
    const service = { minInstances: random(5), wanted, maxInstanceLoad: 10, ram: 100 };
    const first = decidePlacement({ ...service, before: new Map() }, hosts);
    const total = [...first.counts.values()].reduce((sum, count) => sum + count, 0);
    expect(total + first.missing).toBe(wanted);
    for (const { id, isOpen, running = 0, ramFree } of hosts) {
      const count = first.counts.get(id) ?? 0;
      expect(count).toBeLessThanOrEqual(isOpen ? running + Math.floor(ramFree / 100) : 0);
    }
    const again = decidePlacement({ ...service, before: first.counts }, hosts);
    expect(again).toEqual(first);
  }
});
