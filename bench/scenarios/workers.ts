import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, constants, setPriority } from "node:os";
import { join } from "node:path";
import { CertificateAuthority } from "../../tests/harness/certificates.ts";
import { childrenOf } from "../../tests/harness/child-processes.ts";
import { type RunningLever, startLever } from "../../tests/harness/lever.ts";
import { workersOf } from "../../tests/harness/worker-processes.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { computedMs, endedMs } from "../process-figures.ts";
import type { Scenario } from "../scenario.ts";
import { type CallCost, modelledRate } from "../worker-model.ts";
import { wrk } from "../wrk.ts";
import { greetByGrpc } from "./grpc.ts";

const CONNECTIONS = 64;
const GRPC_CONNECTIONS = 16;
const GRPC_STREAMS = 4;
/** Processor time shows in less time than a rate does. */
const SECONDS_MAX = 1;
/** The machines of the model, and the workers that a host has there by default; on two cores, when it is asked for. */
const MACHINES = [
  { cores: 2, workers: 2 },
  { cores: 4, workers: 2 },
  { cores: 8, workers: 4 },
  { cores: 16, workers: 8 },
] as const;

/** A host has workers by default from so many cores on: there, they must be worth their processor time for all calls. */
const CORES_MIN = 4;
const GAIN_MIN = 1.2;

/** One way to call; resolves to the number of calls. */
interface Way {
  readonly name: string;
  readonly isSecure: boolean;
  call(lever: RunningLever, seconds: number): Promise<number>;
}

const byWrk = async (
  { address: host, origin }: RunningLever,
  seconds: number,
  reconnects: boolean,
): Promise<number> => {
  const address = origin.replace("http://", "");
  const path = "/work/sayHello?forceenv=dev.lever";
  const asked = { address, path, host, body: '["world"]' };
  const result = await wrk({ ...asked, connections: CONNECTIONS, seconds, reconnects });
  return result.requests - result.failed;
};

const ways: readonly Way[] = [
  {
    name: `HTTP, ${CONNECTIONS} connections`,
    isSecure: false,
    call: (lever, seconds) => byWrk(lever, seconds, false),
  },
  {
    name: `gRPC, ${GRPC_CONNECTIONS} connections`,
    isSecure: false,
    async call({ address }, seconds) {
      const run = { address, connections: GRPC_CONNECTIONS, streams: GRPC_STREAMS, seconds };
      return (await greetByGrpc(run)).perSecond * seconds;
    },
  },
  {
    name: `HTTPS, ${CONNECTIONS} connections`,
    isSecure: true,
    call: (lever, seconds) => byWrk(lever, seconds, false),
  },
  {
    name: "HTTPS, a connection for each call",
    isSecure: true,
    call: (lever, seconds) => byWrk(lever, seconds, true),
  },
];

/** A host that does everything in one process, and one whose workers take connections. */
const COUNTS = [1, 2] as const;

export const workers: Scenario = {
  name: "workers",
  group: "off-path",
  about:
    "processor time that the host's own process takes for 1,000 calls, when it takes connections itself and when two workers do; and the rate of calls that a model derives from it for more cores",
  async run(run): Promise<readonly Figure[]> {
    using authority = new CertificateAuthority();
    const figures: Figure[] = [];
    for (const isSecure of [false, true]) {
      const hosts = new Map<number, RunningLever>();
      try {
        for (const count of COUNTS) hosts.set(count, await startHost(count, authority, isSecure));
        if (!isSecure) figures.push(...warnings(hosts));
        for (const way of ways.filter((of) => of.isSecure === isSecure)) {
          const measure = async (count: number): Promise<Measured> => {
            const lever = hosts.get(count);
            if (lever === undefined) throw new Error("Cannot measure: it does not run.");
            const seconds = Math.min(run.seconds, SECONDS_MAX);
            return await costOf(lever, () => way.call(lever, seconds));
          };
          for (const count of COUNTS) await measure(count);
          const results = await interleave(run, COUNTS, measure);
          figures.push(...figuresOf(way, results));
        }
      } finally {
        for (const lever of hosts.values()) await lever.stop();
      }
    }
    return figures;
  },
};

/** Below four cores, a host with workers warns of them; with its own gateway alone, or on more cores, none does. */
function warnings(hosts: ReadonlyMap<number, RunningLever>): Figure[] {
  const cores = availableParallelism();
  return [...hosts].map(([count, lever]) => {
    const warned = lever.events().filter(({ msg }) => msg === "workers lack cores").length;
    const name = `warnings of a host with --workers ${count} on ${cores} cores`;
    return count > 1 && cores < 4 ? atLeast(name, warned, 1) : atMost(name, warned, 0);
  });
}

interface Measured extends CallCost {
  readonly perSecond: number;
}

function figuresOf(
  { name: way }: Way,
  results: ReadonlyMap<number, readonly Measured[]>,
): Figure[] {
  const series = (count: number, of: (measured: Measured) => number): number[] =>
    (results.get(count) ?? []).map(of);
  const host = ({ host: ms }: Measured): number => ms;
  const chart = `${way}: processor time of the host's process for 1,000 calls, ms`;
  /** The gain by the model, round by round. */
  const gain = (machine: { cores: number; workers: number }, others?: 0): number[] => {
    const rate = (cost: Measured): number =>
      modelledRate({ ...cost, others: others ?? cost.others }, machine);
    return ratios(series(2, rate), series(1, rate));
  };
  const here = { cores: availableParallelism(), workers: 2 };
  const perSecond = (result: Measured): number => result.perSecond;
  return [
    measured(`${way}: host alone, ms for 1,000 calls`, series(1, host), { chart, label: "alone" }),
    measured(`${way}: host before 2 workers, ms for 1,000 calls`, series(2, host), {
      chart,
      label: "2 workers",
    }),
    measured(
      `${way}: host and 2 workers, ms for 1,000 calls`,
      series(2, (cost) => cost.host + cost.workers),
    ),
    measured(
      `${way}: instance, ms for 1,000 calls`,
      series(2, (cost) => cost.instances),
    ),
    measured(`${way}: host before 2 workers / alone`, ratios(series(2, host), series(1, host))),
    measured(
      `${way}: calls/s of 2 workers / one process, here`,
      ratios(series(2, perSecond), series(1, perSecond)),
    ),
    measured(`${way}: the same by the model, with the caller's processor time`, gain(here)),
    ...MACHINES.map((machine) => {
      const name = `${way}: ${machine.workers} workers / one process on ${machine.cores} cores, by the model`;
      const { cores } = machine;
      return cores < CORES_MIN
        ? measured(name, gain(machine, 0))
        : atLeast(name, gain(machine, 0), GAIN_MIN);
    }),
  ];
}

async function costOf(lever: RunningLever, call: () => Promise<number>): Promise<Measured> {
  const workers = workersOf(lever.pid);
  const others = childrenOf(lever.pid).filter((pid) => !workers.includes(pid));
  const computed = () => ({
    host: computedMs(lever.pid),
    workers: sum(workers.map(computedMs)),
    instances: sum(others.map(computedMs)),
    others: endedMs(),
  });
  const [before, startedAt] = [computed(), performance.now()];
  const calls = await call();
  const [after, ms] = [computed(), performance.now() - startedAt];
  const cost = (of: keyof CallCost): number => (1_000 * (after[of] - before[of])) / calls;
  return {
    host: cost("host"),
    workers: cost("workers"),
    instances: cost("instances"),
    others: cost("others"),
    perSecond: (1_000 * calls) / ms,
  };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

async function startHost(
  count: number,
  authority: CertificateAuthority,
  isSecure: boolean,
): Promise<RunningLever> {
  const { certFile, keyFile } = authority.issue(`host-${count}`);
  const args = isSecure ? ["--tls-cert", certFile, "--tls-key", keyFile] : [];
  const lever = await startLever({ workers: count, args });
  // The host runs last of all processes, so that the others wait for it, as on a machine with a processor for each of
  // them. Else it would be woken for every call or two, which costs it more than these do.
  setPriority(lever.pid, constants.priority.PRIORITY_LOW);
  const folder = join(authority.folder, "work");
  mkdirSync(folder, { recursive: true });
  const fields = { minInstances: 1, maxInstances: 1, maxInstanceLoad: 1_000 };
  const about = { name: "work", jsEntry: "server.js", ...fields };
  writeFileSync(join(folder, "lever.json"), JSON.stringify(about));
  writeFileSync(join(folder, "server.js"), 'exports.sayHello = (name) => "Hello, " + name + "!";');
  const env = { NODE_EXTRA_CA_CERTS: authority.certFile };
  const { status, stderr } = await lever.lever(["deploy", folder], { env });
  if (status === 0) return lever;
  await lever.stop();
  throw new Error(`Cannot deploy: ${stderr}`);
}
