import { Resolver } from "node:dns/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../../../../tests/harness/eventually.ts";
import { NameServer } from "../../../../../tests/harness/name-server.ts";
import { VirtualClock } from "../../../../../tests/harness/virtual-clock.ts";
import { FollowedNames } from "./followed-names.ts";

const DATABASE = "db.example.com";

let clock: VirtualClock;
let server: NameServer;
let changed: string[];
let events: object[];
let names: FollowedNames;

beforeEach(async () => {
  clock = new VirtualClock();
  server = await NameServer.start();
  server.names.set(DATABASE, ["192.0.2.8", "192.0.2.7"]);
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([server.address]);
  [changed, events] = [[], []];
  names = new FollowedNames({
    clock,
    log: (_level, _part, event, fields) => events.push({ event, ...fields }),
    resolve: (name) => resolver.resolve4(name),
    onChange: (environment) => changed.push(environment),
  });
});

afterEach(() => {
  names.close();
  server[Symbol.dispose]();
});

describe("a name in a policy", () => {
  it("has its addresses once it is checked", async () => {
    expect(await names.check([DATABASE])).toBeUndefined();
    expect(names.addressesOf(DATABASE)).toEqual(["192.0.2.7", "192.0.2.8"]);
  });

  it.each([
    ["unknown.example.com", undefined, "ENOTFOUND"],
    ["failing.example.com", "fails" as const, "ESERVFAIL"],
    ["empty.example.com", [], "ENODATA"],
    ["hostile.example.com", ["127.0.0.1", "169.254.169.254"], "none that a policy may open"],
  ])("%s without an address that can be opened is refused", async (name, addresses, reason) => {
    if (addresses !== undefined) server.names.set(name, addresses);
    const refused = await names.check([DATABASE, name]);
    expect(refused).toContain(`${name} has no IPv4 address`);
    expect(refused).toContain(reason);
  });

  it("that was checked and is in no policy is forgotten with the next check", async () => {
    await names.check([DATABASE]);
    await names.check([]);
    expect(names.addressesOf(DATABASE)).toEqual([]);
  });

  it("is resolved again every 30 s, and its environments learn of a change", async () => {
    await names.check([DATABASE]);
    names.follow("one", [DATABASE]);
    names.follow("two", [DATABASE]);
    names.follow("three", []);
    server.names.set(DATABASE, ["192.0.2.9"]);
    clock.advance(30_000);
    await eventually(() => changed.length === 2);
    expect(changed).toEqual(["one", "two"]);
    expect(names.addressesOf(DATABASE)).toEqual(["192.0.2.9"]);
  });

  it("that was never resolved is resolved at once", async () => {
    names.follow("one", [DATABASE]);
    await eventually(() => changed.length === 1);
    expect(names.addressesOf(DATABASE)).toHaveLength(2);
  });

  it("keeps its last good answer when its resolution fails, with one event", async () => {
    await names.check([DATABASE]);
    names.follow("one", [DATABASE]);
    server.names.set(DATABASE, "fails");
    clock.advance(30_000);
    await eventually(() => events.length === 1);
    const kept = ["192.0.2.7", "192.0.2.8"];
    expect(events).toMatchObject([
      { event: "name not resolved", environment: "one", name: DATABASE, reason: "ESERVFAIL", kept },
    ]);
    expect(names.addressesOf(DATABASE)).toEqual(kept);
    server.names.set(DATABASE, ["192.0.2.9"]);
    await eventually(() => {
      clock.advance(30_000);
      return changed.length === 1;
    });
    expect(events).toHaveLength(1);
  });

  it("has at most 64 addresses", async () => {
    const many = Array.from({ length: 80 }, (_, index) => `198.51.100.${index}`);
    const followed = new FollowedNames({
      clock,
      log: () => {},
      resolve: async () => many,
      onChange: () => {},
    });
    await followed.check([DATABASE]);
    expect(followed.addressesOf(DATABASE)).toHaveLength(64);
  });

  it("is one of at most 1,000 on a host", async () => {
    const many = Array.from({ length: 1_001 }, (_, index) => `db${index}.example.com`);
    expect(await names.check(many)).toBe("a host follows at most 1000 names");
  });
});
