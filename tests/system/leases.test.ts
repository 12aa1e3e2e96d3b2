// @module-tag needs-postgres
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { type DatabaseProxy, startDatabaseProxy } from "../harness/database-proxy.ts";
import { eventually } from "../harness/eventually.ts";
import { type RunningLever, stopAllLevers } from "../harness/lever.ts";
import { isMet } from "../harness/requirements.ts";
import { deployService, testService } from "../harness/test-service.ts";
import { isRunning, keeperOf } from "../harness/worker-processes.ts";

/** A process that spins reads neither its timer nor its link. */
const OWNING = `
  const { callContext } = require("leveros");
  exports.owner = () => [process.pid, callContext().epoch];
  exports.spin = () => {
    console.log("it spins");
    for (;;);
  };
  exports.plain = () => "plain";
`;

let cluster: TestCluster;
let proxy: DatabaseProxy;
/** It fences the others. */
let a: RunningLever;
let b: RunningLever;
let c: RunningLever;
/** It reaches the database through the proxy. */
let d: RunningLever;
/** Its services run in containers, if this machine can. */
let e: RunningLever | undefined;
/** Allows everything. */
let token: string;

interface Owner {
  readonly host: RunningLever;
  readonly service: string;
  readonly pid: number;
  readonly epoch: number;
}

const serviceAt = (host: RunningLever, name: string) =>
  new Client({ forceHost: host.address, token }).service("dev.lever", name);

/** Who owns the resource `r` of the service, as a host finds out. */
async function ownerOf(host: RunningLever, service: string): Promise<Owner> {
  const resource = new Client({ forceHost: host.address, token }).resource(
    "dev.lever",
    service,
    "r",
  );
  const [pid, epoch] = (await resource.invoke("owner")) as [number, number];
  return { host, service, pid, epoch };
}

/** A service of its own, whose only instance and resource the host has. */
async function ownAt(host: RunningLever, service: string): Promise<Owner> {
  const archive = testService(OWNING, { name: service });
  // On a busy machine, the database may answer late.
  await eventually(() => deployService(host, archive, "dev.lever", token).catch(() => undefined));
  return await ownerOf(host, service);
}

/** As `ownAt`. Its process has another number in the container. */
async function ownInContainer(host: RunningLever, service: string): Promise<Owner> {
  const owner = await ownAt(host, service);
  const { pid } = await host.event("instance starting", { service });
  return { ...owner, pid: Number(pid) };
}

async function spin({ host, service }: Owner): Promise<void> {
  new Client({ forceHost: host.address, token })
    .resource("dev.lever", service, "r")
    .invoke("spin")
    .catch(() => {});
  await host.event("output", { service, line: "it spins" });
}

/** The hosts that the first one has fenced so far. */
const fenced = (): readonly unknown[] =>
  a
    .events()
    .filter(({ msg }) => msg === "host fenced")
    .map((event) => event["fenced"]);

beforeAll(async () => {
  cluster = await startCluster();
  proxy = await startDatabaseProxy(cluster.database.port);
  a = await cluster.start("a", ["--found"]);
  ({ token } = await adminOf(a).invoke("createToken", { environments: ["*"], rights: ["admin"] }));
  [b, c, d, e] = await Promise.all([
    cluster.start("b"),
    cluster.start("c"),
    cluster.start("d", ["--cluster", proxy.url(cluster.args[1] ?? "")]),
    isMet("needs-containers") ? cluster.start("e", ["--isolation", "oci", "--verbose"]) : undefined,
  ]);
}, 300_000);
afterAll(async () => {
  await stopAllLevers();
  await proxy?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

it("N5, N6: a host that was killed and starts again frees its resources at once, and nothing of it is left", async () => {
  const owner = await ownAt(c, "killed");
  await spin(owner);
  await c.kill();
  c = await cluster.start("c");
  expect(isRunning(owner.pid)).toBe(false);
  expect((await ownerOf(a, "killed")).epoch).toBeGreaterThan(owner.epoch);
  expect(fenced()).toEqual([]);
});

describe("N4: an owner of resources ends before another host may have them", () => {
  let ofB: Owner;
  let ofC: Owner;
  let ofD: Owner;
  let ofE: Owner | undefined;
  let stopped: number[] = [];

  const signal = (name: "SIGSTOP" | "SIGCONT"): void => {
    for (const pid of stopped) process.kill(pid, name);
  };

  beforeAll(async () => {
    [ofB, ofC, ofD, ofE] = await Promise.all([
      ownAt(b, "of-b"),
      ownAt(c, "of-c"),
      ownAt(d, "of-d"),
      e && ownInContainer(e, "of-e"),
    ]);
    await Promise.all([ofB, ofD, ofE].map((owner) => owner && spin(owner)));
    stopped = [b.pid, c.pid, keeperOf(c.pid), keeperOf(d.pid), ...(e ? [e.pid] : [])];
    signal("SIGSTOP");
    proxy.cut();
  }, 300_000);
  afterAll(() => signal("SIGCONT"));

  it.each([
    ["its keeper, while its host is stopped", () => ofB],
    ["its own timer, while its host and its keeper are", () => ofC],
    ["its host, which the database does not answer, while its keeper is stopped", () => ofD],
  ])("by %s", async (_what, owner) => {
    await eventually(() => !isRunning(owner().pid));
    expect(fenced()).toEqual([]);
  });

  it("by its keeper, in a container", { tags: ["needs-containers"] }, async () => {
    await eventually(() => !isRunning(ofE?.pid ?? 0));
    expect(fenced()).toEqual([]);
  });

  it("and plain calls go on at the host that the database does not answer", async () => {
    expect(await serviceAt(d, "of-d").invoke("plain")).toBe("plain");
  });

  it("and its resource goes to the next one, with a higher epoch", async () => {
    for (const { service, epoch } of [ofB, ofC, ofD]) {
      // Until then, a host without a lease that can be reached refuses.
      const next = await eventually(() => ownerOf(a, service).catch(() => undefined), {
        everyMs: 100,
      });
      expect(next.epoch).toBeGreaterThan(epoch);
    }
    // The one in a container is fenced about now, too.
    expect(fenced()).toEqual(expect.arrayContaining(["b", "c", "d"]));
  });

  it("and its host comes back, and has the next owner from then on", async () => {
    const [joinedB, joinedC, joinedD] = [b, c, d].map((host) =>
      host.event("cluster joined", {}, { after: "now" }),
    );
    signal("SIGCONT");
    stopped = [];
    proxy.open();
    await Promise.all([joinedB, joinedC, joinedD]);
    for (const { host, service } of [ofB, ofC, ofD]) {
      const { pid, epoch } = await ownerOf(a, service);
      expect(await ownerOf(host, service)).toMatchObject({ pid, epoch });
    }
  });
});
