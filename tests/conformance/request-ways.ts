import { startCluster } from "../harness/cluster.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { workersOf } from "../harness/worker-processes.ts";

/** A way on which requests come to an instance. */
export interface RequestWay {
  readonly name: string;
  readonly tags: readonly string[];
  open(): Promise<OpenWay>;
}

export interface OpenWay extends AsyncDisposable {
  /** Where requests come in. */
  readonly address: string;
  /** The host that has the instances. */
  readonly home: RunningLever;
  /** The processes of Lever that pass requests on. */
  readonly pids: readonly number[];
}

async function openHost(workers: number): Promise<OpenWay> {
  const home = await startLever({ workers });
  const { address, pid } = home;
  const dispose = async (): Promise<void> => void (await home.stop());
  return { address, home, pids: [pid, ...workersOf(pid)], [Symbol.asyncDispose]: dispose };
}

async function openCluster(): Promise<OpenWay> {
  const cluster = await startCluster();
  const home = await cluster.start("a", ["--found"]);
  const other = await cluster.start("b");
  return {
    address: other.address,
    home,
    pids: [home.pid, other.pid],
    async [Symbol.asyncDispose]() {
      await Promise.all([home.stop(), other.stop()]);
      await cluster[Symbol.asyncDispose]();
    },
  };
}

export const requestWays: readonly RequestWay[] = [
  { name: "one process", tags: [], open: () => openHost(1) },
  { name: "workers", tags: [], open: () => openHost(2) },
  { name: "another host", tags: ["needs-postgres"], open: openCluster },
];
