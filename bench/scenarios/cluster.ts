import { setTimeout as delay } from "node:timers/promises";
import { adminOf, instancesOf } from "../../tests/harness/admin.ts";
import { startCluster, type TestCluster } from "../../tests/harness/cluster.ts";
import type { RunningLever } from "../../tests/harness/lever.ts";
import { Caller, median } from "../../tests/harness/load.ts";
import { postgresPrograms } from "../../tests/harness/postgres.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { compare, comparisonFigures, greeting, rateRatio } from "../comparison.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { leverAtOwner, leverPassedOn } from "../peers/lever-cluster.ts";
import { moleculerGateway } from "../peers/moleculer.ts";
import { type BenchRun, type Scenario, startHost, untilInstances } from "../scenario.ts";

const workload = greeting(32);
/** First calls of each measurement. */
const RESOURCES = 20;
/** `hostLeaseMs`, and two seconds. */
const TAKE_OVER_MS_MAX = 12_000;
/** Each waits for the end of a lease. */
const TAKE_OVERS_MAX = 3;
const RETRY_MS = 10;
const owning = "exports.owner = () => process.pid;";

export const cluster: Scenario = {
  name: "cluster",
  about:
    "hosts that are one Lever, over PostgreSQL: calls through another host (wrk), first calls of resources and deploys beside a host alone, and the time until the resources of a killed host answer",
  async run(run): Promise<readonly Figure[]> {
    if (postgresPrograms() === undefined) {
      return [{ name: "Lever, cluster could not run", value: "PostgreSQL is not installed" }];
    }
    return [...(await passOn(run)), ...(await changeAndClaim(run))];
  },
};

async function passOn(run: BenchRun): Promise<readonly Figure[]> {
  const peers = [leverAtOwner, leverPassedOn, moleculerGateway];
  const { absent, at } = await compare(run, peers, [workload]);
  const results = at(workload);
  const others = results.has(moleculerGateway)
    ? [atLeast(...rateRatio(results, leverPassedOn, moleculerGateway), 1)]
    : [];
  return [
    ...absent,
    ...comparisonFigures(workload, results),
    atLeast(...rateRatio(results, leverPassedOn, leverAtOwner), 0.45),
    ...others,
  ];
}

/** Three hosts of a cluster, beside a host alone. */
async function changeAndClaim(run: BenchRun): Promise<readonly Figure[]> {
  await using alone = await startHost();
  await using cluster = await startCluster();
  await using a = await cluster.start("a", ["--found"]);
  await using _b = await cluster.start("b");
  await using c = await cluster.start("c");
  const figures = [
    ...(await firstCalls(run, { alone, clustered: a, cluster })),
    ...(await deploys(run, { alone, clustered: a })),
  ];
  const takeOvers = await takeOver(run, { cluster, caller: a, killed: c });
  return [...figures, ...takeOvers];
}

interface Beside {
  readonly alone: RunningLever;
  readonly clustered: RunningLever;
}

/** A call of a new resource at a host that has an instance. */
async function firstCalls(
  run: BenchRun,
  { alone, clustered, cluster }: Beside & { readonly cluster: TestCluster },
): Promise<readonly Figure[]> {
  const transaction = await transactionOf(cluster);
  await deployService(alone, testService(owning, { name: "cold" }));
  for (const host of [alone, clustered]) {
    await deployService(host, testService(owning, { name: "owning" }));
  }
  let next = 0;
  const firstCall = (host: RunningLever) => async (): Promise<number> => {
    using caller = new Caller(host.address);
    const times: number[] = [];
    for (let i = 0; i < RESOURCES; i++) {
      times.push(await timeOfCall(caller, `/owning/r${next++}/owner`));
    }
    return median(times);
  };
  const subjects = [
    firstCall(alone),
    firstCall(clustered),
    transaction,
    () => coldCall(alone, "cold"),
  ];
  // Connections and compiled code are there before their time counts.
  for (const subject of subjects) await subject();
  const results = await interleave(run, subjects, (subject) => subject());
  const [ofAlone = [], ofCluster = [], ofDatabase = [], ofStart = []] = subjects.map(
    (subject) => results.get(subject) ?? [],
  );
  const more = ofCluster.map((ms, round) => ms - (ofAlone[round] ?? Number.NaN));
  const allowed = ofDatabase.map((ms, round) => ms + (ofStart[round] ?? Number.NaN));
  return [
    measured("first call of a resource, alone, ms", ofAlone),
    measured("first call of a resource, in a cluster, ms", ofCluster),
    measured("a transaction of the database, ms", ofDatabase),
    measured("first call of a service at zero, alone, ms", ofStart),
    atMost(
      "first call, longer in a cluster / transaction and cold start",
      ratios(more, allowed),
      1,
    ),
  ];
}

async function timeOfCall(caller: Caller, path: string): Promise<number> {
  const { status, text, ms } = await caller.call(path);
  if (status !== 200) throw new Error(`Cannot call ${path}: ${status} ${text}`);
  return ms;
}

async function coldCall(lever: RunningLever, service: string): Promise<number> {
  using caller = new Caller(lever.address);
  for (const { instance } of await instancesOf(lever, service)) {
    await adminOf(lever).invoke("stopInstance", "dev.lever", instance);
  }
  await untilInstances(
    lever,
    service,
    ({ instances, host }) => instances.length === 0 && host.warmReady >= host.warmWanted,
  );
  return await timeOfCall(caller, `/${service}/owner`);
}

/** One row in one transaction, over a connection that is open. */
async function transactionOf({ database }: TestCluster): Promise<() => Promise<number>> {
  const name = await database.createDatabase();
  return async () => {
    await using client = await database.connect(name);
    await client.query("CREATE TABLE IF NOT EXISTS written (at float8)");
    const times: number[] = [];
    for (let i = 0; i < RESOURCES; i++) {
      const startedAt = performance.now();
      await client.query("BEGIN");
      await client.query("INSERT INTO written VALUES ($1)", [startedAt]);
      await client.query("COMMIT");
      times.push(performance.now() - startedAt);
    }
    return median(times);
  };
}

async function deploys(run: BenchRun, { alone, clustered }: Beside): Promise<readonly Figure[]> {
  const service = testService(owning, { name: "deployed" });
  const deploy = async (host: RunningLever): Promise<number> => {
    const startedAt = performance.now();
    await deployService(host, service);
    return performance.now() - startedAt;
  };
  const hosts = [alone, clustered];
  for (const host of hosts) await deploy(host);
  const results = await interleave(run, hosts, deploy);
  const [one = [], three = []] = hosts.map((host) => results.get(host) ?? []);
  return [
    measured("deploy, alone, ms", one),
    measured("deploy, in a cluster of three hosts, ms", three),
    measured("deploy, three hosts / alone", ratios(three, one)),
  ];
}

/** Kills the host that owns a resource, and calls the resource at another one. */
async function takeOver(
  run: BenchRun,
  hosts: {
    readonly cluster: TestCluster;
    readonly caller: RunningLever;
    readonly killed: RunningLever;
  },
): Promise<readonly Figure[]> {
  using caller = new Caller(hosts.caller.address);
  const lost: number[] = [];
  const restarted: number[] = [];
  let host = hosts.killed;
  for (let round = 0; round < Math.min(run.rounds, TAKE_OVERS_MAX); round++) {
    for (const times of [restarted, lost]) {
      const path = await ownedBy(host, `owning-${lost.length + restarted.length}`);
      const killedAt = performance.now();
      await host.kill();
      const again = times === restarted ? hosts.cluster.start("c") : undefined;
      await untilAnswered(caller, path);
      times.push(performance.now() - killedAt);
      host = await (again ?? hosts.cluster.start("c"));
    }
  }
  await host.stop();
  return [
    measured("kill of a host that starts again to its resource's answer, ms", restarted),
    atMost("kill of a host to its resource's answer, ms", lost, TAKE_OVER_MS_MAX),
  ];
}

/** Deploys a service on the host, which gets its only instance; returns the path of a resource there. */
async function ownedBy(host: RunningLever, name: string): Promise<string> {
  using caller = new Caller(host.address);
  await deployService(host, testService(owning, { name }));
  await timeOfCall(caller, `/${name}/r/owner`);
  return `/${name}/r/owner`;
}

async function untilAnswered(caller: Caller, path: string): Promise<void> {
  while ((await caller.call(path)).status !== 200) await delay(RETRY_MS);
}
