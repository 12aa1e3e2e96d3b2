import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../../tests/harness/virtual-clock.ts";
import { BlockedConnections, parseBlocked } from "./blocked-connections.ts";

const names = { environment: "dev", service: "svc", version: 1, instance: "svc-1-a" };
const element = (source: string, port: number): string =>
  `{"elem": {"val": {"concat": ["${source}", "192.0.2.7", "tcp", ${port}]}, "timeout": 60}}`;

let clock: VirtualClock;
let listed: string[];
let lists: number;
let packets: number;
let events: object[];
let connections: BlockedConnections;

beforeEach(() => {
  clock = new VirtualClock();
  [listed, lists, packets, events] = [[], 0, 0, []];
  connections = new BlockedConnections({
    clock,
    log: (_level, _part, event, fields) => events.push({ event, ...fields }),
    list: async () => {
      lists++;
      return `{"nftables": [{"set": {"elem": [${listed.join(", ")}]}}]}`;
    },
    packetsSent: async () => packets,
  });
});

/** Lets `seconds` pass, with packets of containers in each check. */
async function pass(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    packets++;
    clock.advance(5_000);
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  }
}

it("the elements of nft's list are connections, and others are left out", () => {
  expect(parseBlocked(`[${element("10.213.0.2", 5432)}, {"concat": ["10.213.0.2", 1]}]`)).toEqual([
    { source: "10.213.0.2", destination: "tcp 192.0.2.7:5432" },
  ]);
  expect(parseBlocked('{"nftables": []}')).toEqual([]);
});

describe("a blocked connection", () => {
  it("is an event of its instance, once", async () => {
    connections.add("10.213.0.2", names);
    listed = [element("10.213.0.2", 5432), element("10.213.0.3", 1)];
    await pass(120);
    const destinations = ["tcp 192.0.2.7:5432"];
    expect(events).toEqual([{ event: "connections blocked", ...names, destinations }]);
  });

  it("of an instance that ended just before is reported", async () => {
    connections.add("10.213.0.2", names);
    connections.remove("10.213.0.2");
    listed = [element("10.213.0.2", 5432)];
    await pass(5);
    expect(events).toHaveLength(1);
    await pass(60);
    expect(lists).toBeLessThan(5);
  });

  it("is reported with others of its instance, at most 20 in 30 s", async () => {
    connections.add("10.213.0.2", names);
    listed = Array.from({ length: 50 }, (_, port) => element("10.213.0.2", port + 1));
    await pass(5);
    expect(events).toMatchObject([{ destinations: { length: 20 }, more: 30 }]);
    listed = [element("10.213.0.2", 99)];
    await pass(20);
    expect(events).toHaveLength(1);
    await pass(10);
    expect(events).toMatchObject([{}, { destinations: ["tcp 192.0.2.7:99"] }]);
  });
});

it("nothing is listed while no container sends packets, or no instance has one", async () => {
  await pass(20);
  expect(lists).toBe(0);
  connections.add("10.213.0.2", names);
  await pass(5);
  expect(lists).toBe(1);
  packets--;
  await pass(5);
  packets--;
  await pass(5);
  expect(lists).toBe(1);
});
