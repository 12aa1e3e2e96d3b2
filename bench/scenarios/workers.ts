import { mkdirSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { CertificateAuthority } from "../../tests/harness/certificates.ts";
import { type RunningLever, startLever } from "../../tests/harness/lever.ts";
import { workersOf } from "../../tests/harness/worker-processes.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { computedMs } from "../process-figures.ts";
import type { Scenario } from "../scenario.ts";
import { wrk } from "../wrk.ts";
import { greetByGrpc } from "./grpc.ts";

const CONNECTIONS = 64;
const GRPC_CONNECTIONS = 16;
const GRPC_STREAMS = 4;

/** One way to call; resolves to the number of calls. */
interface Way {
  readonly name: string;
  readonly isSecure: boolean;
  /** The most of the host's processor time without workers that it may use with them. */
  readonly shareMax: number;
  call(lever: RunningLever, seconds: number): Promise<number>;
}

const byWrk = async (
  { origin }: RunningLever,
  seconds: number,
  reconnects: boolean,
): Promise<number> => {
  const address = origin.replace("http://", "");
  const path = "/work/sayHello?forceenv=dev.lever";
  const asked = { address, path, host: address, body: '["world"]' };
  const result = await wrk({ ...asked, connections: CONNECTIONS, seconds, reconnects });
  return result.requests - result.failed;
};

const ways: readonly Way[] = [
  {
    name: `HTTP, ${CONNECTIONS} connections`,
    isSecure: false,
    shareMax: 1,
    call: (lever, seconds) => byWrk(lever, seconds, false),
  },
  {
    name: `gRPC, ${GRPC_CONNECTIONS} connections`,
    isSecure: false,
    shareMax: 0.3,
    async call({ address }, seconds) {
      const run = { address, connections: GRPC_CONNECTIONS, streams: GRPC_STREAMS, seconds };
      return (await greetByGrpc(run)).perSecond * seconds;
    },
  },
  {
    name: `HTTPS, ${CONNECTIONS} connections`,
    isSecure: true,
    shareMax: 0.6,
    call: (lever, seconds) => byWrk(lever, seconds, false),
  },
  {
    name: "HTTPS, a connection for each call",
    isSecure: true,
    shareMax: 0.2,
    call: (lever, seconds) => byWrk(lever, seconds, true),
  },
];

/** A host that does everything in one process, and one whose workers take connections. */
const COUNTS = [1, 2] as const;

export const workers: Scenario = {
  name: "workers",
  about:
    "processor time that the host's own process takes for 1,000 calls, when it takes connections itself and when two workers do",
  async run(run): Promise<readonly Figure[]> {
    using authority = new CertificateAuthority();
    const figures: Figure[] = [];
    for (const isSecure of [false, true]) {
      const hosts = new Map<number, RunningLever>();
      try {
        for (const count of COUNTS) hosts.set(count, await startHost(count, authority, isSecure));
        for (const way of ways.filter((of) => of.isSecure === isSecure)) {
          const measure = async (count: number): Promise<Cost> => {
            const lever = hosts.get(count);
            if (lever === undefined) throw new Error("Cannot measure: it does not run.");
            return await costOf(lever, () => way.call(lever, run.seconds));
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

/** Milliseconds of processors for 1,000 calls. */
interface Cost {
  readonly host: number;
  /** The host and its workers. */
  readonly all: number;
}

function figuresOf(
  { name: way, shareMax }: Way,
  results: ReadonlyMap<number, readonly Cost[]>,
): Figure[] {
  const series = (count: number, of: keyof Cost): number[] =>
    (results.get(count) ?? []).map((cost) => cost[of]);
  const chart = `${way}: processor time of the host's process for 1,000 calls, ms`;
  const share = ratios(series(2, "host"), series(1, "host"));
  return [
    measured(`${way}: host alone, ms for 1,000 calls`, series(1, "host"), {
      chart,
      label: "alone",
    }),
    measured(`${way}: host before 2 workers, ms for 1,000 calls`, series(2, "host"), {
      chart,
      label: "2 workers",
    }),
    measured(`${way}: host and 2 workers, ms for 1,000 calls`, series(2, "all")),
    atMost(`${way}: host before 2 workers / alone`, share, shareMax),
  ];
}

async function costOf(lever: RunningLever, call: () => Promise<number>): Promise<Cost> {
  const pids = [lever.pid, ...workersOf(lever.pid)];
  const before = pids.map(computedMs);
  const calls = await call();
  const [host = Number.NaN, ...others] = pids.map(
    (pid, index) => (1_000 * (computedMs(pid) - (before[index] ?? Number.NaN))) / calls,
  );
  return { host, all: others.reduce((sum, ms) => sum + ms, host) };
}

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
