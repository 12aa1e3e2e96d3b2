import { listInstances } from "../../tests/harness/admin.ts";
import { startCluster, type TestCluster } from "../../tests/harness/cluster.ts";
import type { RunningLever } from "../../tests/harness/lever.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { greet, type Peer, type RunningPeer } from "../peer.ts";
import { work } from "./lever.ts";

/** Two hosts of a cluster. The only instance of `work` is on the first one. */
const clusterPeer = (name: string, called: "owner" | "other"): Peer => ({
  name,
  async start() {
    const cluster = await startCluster();
    const hosts: RunningLever[] = [];
    const stop = (): Promise<void> => stopAll(hosts, cluster);
    try {
      const owner = await cluster.start("owner", ["--found"]);
      hosts.push(owner);
      const fields = { name: "work", maxInstances: 1, maxInstanceLoad: 1_000 };
      await deployService(owner, testService(work, fields));
      const other = await cluster.start("other");
      hosts.push(other);
      // Over a new link, a host is told of all places at once.
      await Promise.all(hosts.map((host) => host.event("peer linked")));
      const { address } = called === "owner" ? owner : other;
      const processes = await processesOf(owner, other);
      const running: RunningPeer = {
        port: Number(address.split(":")[1]),
        processes,
        path: "/work/",
        host: "dev.lever",
        stop,
        [Symbol.asyncDispose]: stop,
      };
      const greeting = await greet(running);
      if (greeting !== "Hello, world!") throw new Error(`Cannot call work: ${greeting}`);
      if ((await processesOf(owner, other)).size !== processes.size) {
        throw new Error("Cannot measure: the other host has started an instance of its own.");
      }
      return running;
    } catch (error) {
      await stop();
      throw error;
    }
  },
});

async function processesOf(
  owner: RunningLever,
  other: RunningLever,
): Promise<ReadonlyMap<string, number>> {
  const reports = await Promise.all([owner, other].map((host) => listInstances(host)));
  const pids = new Set(reports.flatMap(({ instances }) => instances.map(({ pid }) => pid)));
  return new Map([
    ["owner", owner.pid],
    ["other", other.pid],
    ...[...pids].map((pid, at) => [`instance ${at + 1}`, pid] as const),
  ]);
}

/** The last one that was started leaves first. */
async function stopAll(hosts: readonly RunningLever[], cluster: TestCluster): Promise<void> {
  for (const host of hosts.toReversed()) await host.stop();
  await cluster[Symbol.asyncDispose]();
}

/** Calls come to the host that has the instance. */
export const leverAtOwner: Peer = clusterPeer("Lever, the host's own instance", "owner");
/** Calls come to the host that has none. */
export const leverPassedOn: Peer = clusterPeer("Lever, another host's instance", "other");
