// @module-tag needs-postgres
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostsReport } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { eventually } from "../harness/eventually.ts";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, stopAllLevers } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

let cluster: TestCluster;
let a: RunningLever;
let b: RunningLever;
let c: RunningLever;
/** Allows everything. */
let token: string;

const service = (name: string, answer: string) =>
  testService(
    `exports.answer = () => ${JSON.stringify(answer)}; exports.variable = (name) => process.env[name] ?? null;`,
    { name },
  );
/** Its resources know their epoch. */
const OWNING = `
  const { callContext } = require("leveros");
  exports.owner = () => [callContext().instance, callContext().epoch];
`;
const call = (host: RunningLever, name: string, method = "answer", ...args: unknown[]) =>
  new Client({ forceHost: host.address, token }).service("dev.lever", name).invoke(method, ...args);
const admin = (host: RunningLever) => adminOf(host, token);
const deploy = (host: RunningLever, archive: Buffer) =>
  deployService(host, archive, "dev.lever", token);
const isDone = (change: Promise<unknown>): Promise<boolean> =>
  change.then(
    () => true,
    () => false,
  );
const hostsOf = async (host: RunningLever): Promise<HostsReport> =>
  await admin(host).invoke("listHosts");
const statesOf = async (host: RunningLever): Promise<readonly string[]> =>
  (await hostsOf(host)).hosts.map((of) => `${of.host} ${of.state} ${of.revisionsBehind}`);

/** Megabytes for the instances of a host. */
const sizeOf = (megabytes: number): string[] => ["--limit", `instancesRamMbMax=${megabytes}`];

beforeAll(async () => {
  cluster = await startCluster();
  a = await cluster.start("a", [...sizeOf(2_000), "--found"]);
  ({ token } = await adminOf(a).invoke("createToken", { environments: ["*"], rights: ["admin"] }));
  [b, c] = await Promise.all([
    cluster.start("b", sizeOf(4_000)),
    cluster.start("c", sizeOf(6_000)),
  ]);
});
afterAll(async () => {
  await stopAllLevers();
  await cluster?.[Symbol.asyncDispose]();
});

it("hosts list each other with their leases and what they have applied", async () => {
  await eventually(async () => {
    expect(await statesOf(b)).toEqual(["a active 0", "b active 0", "c active 0"]);
    return true;
  });
  const run = await a.lever(["hosts"], { env: { LEVEROS_TOKEN: token } });
  expect(run.stdout).toMatch(/^HOST +STATE +LEASE +VERSION +BEHIND +ADDRESS\na \* +active +\d/);
  await eventually(async () => {
    const status = await c.lever(["cluster", "status"], { env: { LEVEROS_TOKEN: token } });
    expect(status.stdout).toMatch(/answers +c\nhosts +3, 3 with a lease .*\n.*\n +takes changes\n/);
    return true;
  });
});

it("six instances are spread over hosts of different sizes by their memory", async () => {
  await deploy(
    b,
    testService("exports.answer = () => 1;", { name: "spread", minInstances: 6, ram: 200 }),
  );
  const running = async (): Promise<string> => {
    const { instances } = await admin(a).invoke("listInstances", "dev.lever", "spread");
    const ready = instances.filter(({ state }) => state === "ready");
    const hosts = Map.groupBy(ready, ({ host }) => host);
    return [...hosts]
      .map(([host, of]) => `${host} ${of.length}`)
      .sort()
      .join(", ");
  };
  const { placement, hosts } = await eventually(async () => {
    expect(await running()).toBe("a 1, b 2, c 3");
    const explained = await admin(c).invoke("explainService", "dev.lever", "spread");
    expect(explained.now).toMatchObject({ wanted: 6, running: 6, reason: "minInstances" });
    return explained;
  });
  expect(placement?.decided?.told).toHaveLength(3);
  const told = hosts?.map((of) => [of.host, of.told] as const) ?? [];
  expect(Object.fromEntries(told)).toEqual({ a: 1, b: 2, c: 3 });
  const explained = await a.lever(["explain", "spread"], { env: { LEVEROS_TOKEN: token } });
  expect(explained.stdout).toMatch(/The host [abc] decides on its instances/);
  await admin(a).invoke("removeService", "dev.lever", "spread");
});

it("a service that was deployed on one host is called on every host at once", async () => {
  await deploy(a, service("first", "one"));
  expect(await Promise.all([b, c].map((host) => call(host, "first")))).toEqual(["one", "one"]);
  await deploy(b, service("first", "two"));
  expect(await Promise.all([a, b, c].map((host) => call(host, "first")))).toEqual([
    "two",
    "two",
    "two",
  ]);
});

it("a secret that was set on one host reaches the instances of every host", async () => {
  await deploy(a, service("reader", "-"));
  expect(await call(c, "reader", "variable", "PASSWORD")).toBeNull();
  await admin(b).invoke("setVariable", "dev.lever", "reader", "PASSWORD", "x1", { secret: true });
  // Calls of one host may go to instances of another, which are restarted one after the other.
  for (const host of [b, c]) {
    await eventually(async () => (await call(host, "reader", "variable", "PASSWORD")) === "x1");
  }
});

it("a revoked token is refused on every host as soon as the command returns", async () => {
  const rights = { environments: ["dev.lever"], rights: ["invoke"] } as const;
  const created = await admin(a).invoke("createToken", rights);
  const withIt = (host: RunningLever) =>
    new Client({ forceHost: host.address, token: created.token })
      .service("dev.lever", "first")
      .invoke("answer");
  expect(await Promise.all([a, b, c].map(withIt))).toEqual(["two", "two", "two"]);
  await admin(c).invoke("revokeToken", created.id);
  for (const host of [a, b, c]) {
    await expect(withIt(host)).rejects.toMatchObject({ code: "unauthorized" });
  }
});

it("a restart of a service replaces its instances on every host", async () => {
  const before = await call(b, "reader", "variable", "LEVEROS_INSTANCE_ID");
  await admin(a).invoke("restartService", "dev.lever", "reader");
  await eventually(
    async () => (await call(b, "reader", "variable", "LEVEROS_INSTANCE_ID")) !== before,
  );
});

it("an environment is created and removed on every host", async () => {
  await admin(b).invoke("createEnvironment", "test.lever");
  const names = async (host: RunningLever) =>
    (await admin(host).invoke("listEnvironments")).map(({ environment }) => environment);
  expect(await names(a)).toEqual(["dev.lever", "test.lever"]);
  await admin(a).invoke("removeEnvironment", "test.lever");
  expect(await names(c)).toEqual(["dev.lever"]);
});

it("deploys from three hosts at once get versions in one order, and the last is live", async () => {
  const outcomes = await Promise.allSettled(
    [a, b, c, a, b, c].map((host, at) => deploy(host, service("raced", `deploy ${at}`))),
  );
  const versions = outcomes.flatMap((of) => (of.status === "fulfilled" ? of.value.version : []));
  expect(new Set(versions).size).toBe(versions.length);
  const live = Math.max(...versions);
  const at = outcomes.findIndex((of) => of.status === "fulfilled" && of.value.version === live);
  for (const host of [a, b, c]) expect(await call(host, "raced")).toBe(`deploy ${at}`);
});

describe("reports of all hosts", () => {
  const SEEN = `
    exports.say = (text) => { console.log(text); return process.env.LEVEROS_INSTANCE_ID; };
  `;
  const places = (rows: readonly { readonly host?: string }[]): readonly string[] =>
    [...new Set(rows.map(({ host = "" }) => host))].sort();
  const lever = async (host: RunningLever, ...args: string[]) =>
    await host.lever(args, { env: { LEVEROS_TOKEN: token } });

  beforeAll(async () => {
    await deploy(a, testService(SEEN, { name: "seen", minInstances: 3 }));
    await eventually(async () => {
      const { instances } = await admin(b).invoke("listInstances", "dev.lever", "seen");
      const ready = instances.filter(({ state }) => state === "ready");
      expect(places(ready)).toEqual(["a", "b", "c"]);
      return true;
    });
  });

  it("instances, calls, logs and events of one host are shown by another, with its name", async () => {
    const instance = await call(c, "seen", "say", "from c");
    const logs = await admin(a).invoke("listLogs", "dev.lever", { grep: "from c" });
    expect(logs.records).toMatchObject([{ host: "c", instance, text: "from c" }]);
    const calls = await admin(b).invoke("listCalls", "dev.lever", { service: "seen" });
    expect(calls).toMatchObject([{ host: "c", instance }]);
    const [{ id = "" } = {}] = calls;
    const trace = await admin(a).invoke("getTrace", "dev.lever", id);
    expect(trace.calls).toMatchObject([{ id, host: "c" }]);
    const events = await admin(b).invoke("explainInstance", "dev.lever", String(instance));
    expect(places(events as readonly { host?: string }[])).toEqual(["c"]);
    const all = await admin(b).invoke("listEvents", null, null, {});
    expect(places(all as readonly { host?: string }[])).toEqual(["a", "b", "c"]);
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted());
  });

  it("numbers are added up, and one host is shown alone", async () => {
    const stats = await admin(b).invoke("listStats", "dev.lever", "seen");
    expect(stats.services).toMatchObject([{ service: "seen", instances: 3 }]);
    const services = await admin(c).invoke("listServices", "dev.lever");
    const seen = services.find(({ service: name }) => name === "seen");
    expect(places(seen?.instances ?? [])).toEqual(["a", "b", "c"]);
    const ps = await lever(a, "ps", "seen", "--on", "b");
    expect(ps.stdout).toMatch(/^HOST +INSTANCE .*\nb +seen-.*\n\nb: [^\n]*\n$/);
    const status = await lever(a, "status");
    expect(status.stdout).toMatch(/^HOST +STATE .*\na +ready .*\nb +ready .*\nc +ready /);
    const wrong = await lever(a, "ps", "--on", "x");
    expect(wrong.stderr).toContain("There are a, b, c.");
  });

  it("metrics of all hosts are one text, in which each value has its host", async () => {
    const page = async (query: string): Promise<string> => {
      const answer = await fetch(`${c.origin}/-/metrics${query}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return await answer.text();
    };
    const all = await page("");
    for (const host of ["a", "b", "c"]) {
      expect(all).toContain(`lever_host_answered{host="${host}"} 1\n`);
      expect(all).toContain(`process_resident_memory_bytes{host="${host}"} `);
    }
    expect(all.match(/^# TYPE process_resident_memory_bytes /gm)).toHaveLength(1);
    expect(await page("?host=b")).not.toContain('host="a"');
  });

  it("records of all hosts are followed, and a host that does not answer is named", async () => {
    const stream = await new Client({ forceHost: a.address, token })
      .service("admin.lever", "admin")
      .invokeChan("watchLogsChan", "dev.lever", {
        service: "seen",
        since: new Date().toISOString(),
      });
    for (const host of [c, b, a]) await call(host, "seen", "say", "followed");
    const followed: string[] = [];
    for await (const message of stream) {
      followed.push((message as { host: string }).host);
      if (followed.length === 3) break;
    }
    expect(followed).toEqual(["c", "b", "a"]);
    process.kill(c.pid, "SIGSTOP");
    const silent = await lever(b, "ps", "seen");
    process.kill(c.pid, "SIGCONT");
    expect(silent.stderr).toMatch(/^lever: without c: /m);
    expect(silent.stdout).toMatch(/\na +seen-/);
    await eventually(async () => (await lever(b, "ps", "seen")).stderr === "", { everyMs: 100 });
  });
});

/** The instance that has the resource, and its epoch. */
const ownerOf = async (
  host: RunningLever,
  resource: string,
  name = "owning",
): Promise<[string, number]> =>
  (await new Client({ forceHost: host.address, token })
    .resource("dev.lever", name, resource)
    .invoke("owner")) as [string, number];

it("a resource has one owner, whichever hosts are called first", async () => {
  await deploy(a, testService(OWNING, { name: "owning" }));
  const [first, ...others] = await Promise.all(
    [a, b, c, a, b, c].map((host) => ownerOf(host, "raced")),
  );
  for (const owner of others) expect(owner).toEqual(first);
});

it("a change waits for a killed host, whose resources move, and which comes back", async () => {
  // The host of the deploy has the first instance.
  await deploy(c, testService(OWNING, { name: "moving" }));
  const owner = await ownerOf(c, "r", "moving");
  expect(await ownerOf(a, "r", "moving")).toEqual(owner);
  await c.kill();
  // The answer would come without this host when its lease is over.
  const creating = admin(a).invoke("createToken", { environments: ["*"], rights: ["look"] });
  expect(await call(a, "first")).toBe("two");
  c = await cluster.start("c", sizeOf(6_000));
  const created = await creating;
  const whoAmI = adminOf(c, created.token).invoke("whoAmI");
  expect(await whoAmI).toMatchObject({ token: { id: created.id } });
  expect(await call(c, "first")).toBe("two");
  const after = await ownerOf(a, "r", "moving");
  expect(after[1]).toBeGreaterThan(owner[1]);
  expect(await ownerOf(b, "r", "moving")).toEqual(after);
});

describe("while the database is stopped", () => {
  beforeAll(async () => {
    const archives = (host: string): string[] =>
      readdirSync(join(cluster.dataDir(host), "archives"));
    const before = archives("a");
    await deploy(a, service("cold", "known"));
    const [added = ""] = archives("a").filter((name) => !before.includes(name));
    await eventually(() => ["b", "c"].every((host) => archives(host).includes(added)));
    await cluster.database.stop();
  });

  it("calls and cold starts go on", async () => {
    expect(await Promise.all([a, b, c].map((host) => call(host, "first")))).toEqual([
      "two",
      "two",
      "two",
    ]);
    // Each host has fetched the archive ahead.
    expect(await Promise.all([a, b, c].map((host) => call(host, "cold")))).toEqual([
      "known",
      "known",
      "known",
    ]);
  });

  it("a new resource is refused with 503, a sentence and Retry-After", async () => {
    const answer = await httpCall(a.address, "/owning/new/owner", {
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: "[]",
    });
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "1"]);
    expect(answer.text).toContain("Cannot call the resource new: ");
  });

  it("a change is refused with 503, a sentence and Retry-After", async () => {
    const answer = await httpCall(a.address, "/admin/createEnvironment?forceenv=admin.lever", {
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: '["late.lever"]',
    });
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "1"]);
    expect(answer.text).toContain("Cannot use the cluster's database");
  });

  it("a host restarts, and serves from its copy", async () => {
    await b.stop();
    b = await cluster.start("b", sizeOf(4_000));
    await b.event("database away at start");
    expect(await call(b, "first")).toBe("two");
    await cluster.database.start();
    await b.event("cluster joined");
    // A host that has just found out that the database is away asks it again within a second.
    await eventually(
      async () => {
        await isDone(admin(b).invoke("createEnvironment", "late.lever"));
        const found = await admin(a).invoke("listEnvironments");
        return found.some(({ environment }) => environment === "late.lever");
      },
      { everyMs: 100 },
    );
    // The host that first answers again takes it.
    const owner = await eventually(() => ownerOf(b, "new").catch(() => undefined), {
      everyMs: 100,
    });
    expect(await ownerOf(a, "new")).toEqual(owner);
  });
});

describe("a host refuses to start", () => {
  const otherKey = (): readonly string[] => {
    const file = `${cluster.dataDir("other")}.key`;
    writeFileSync(file, `${Buffer.alloc(32, 7).toString("base64")}\n`);
    return [...cluster.args.slice(0, 3), file];
  };

  it.each<[what: string, args: () => readonly string[], remedy: string]>([
    ["with the key of another cluster", otherKey, "Copy the key file of another host"],
    [
      "for the first time without its database",
      () => ["--cluster", "postgres://u@127.0.0.1:1/d", ...cluster.args.slice(2)],
      "no server listens there",
    ],
  ])("%s", async (what, args, remedy) => {
    const run = await cluster.refused(what.replaceAll(" ", "-"), args());
    expect(run.stderr).toContain(remedy);
    expect([2, 3]).toContain(run.status);
  });

  it("with a data folder of the cluster, alone", async () => {
    await a.stop();
    const run = await cluster.refused("a", []);
    expect(run.stderr).toContain(
      "Name its database with --cluster; lever up also needs --cluster-key",
    );
  });
});
