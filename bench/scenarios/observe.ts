import { median } from "../../tests/harness/load.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import type { RunningPeer } from "../peer.ts";
import { leverWith } from "../peers/lever.ts";
import { computedUs, proportionalBytes } from "../process-figures.ts";
import type { BenchRun, Scenario } from "../scenario.ts";
import { SteadyCalls } from "../steady-calls.ts";

/** Limits with which a host counts and remembers no call. */
const OFF = { metricSeriesMax: 0, callsRememberedMax: 0, traceSampledEach: 0 };
const CONNECTIONS = [32, 256] as const;
const WARM_UP_CALLS = 30_000;
/** A turn is short, so that what else the machine does is the same in two of them. */
const CALLS_PER_TURN = 3_000;
const PAIRS_PER_SECOND = 10;
/** Measurements of one pair of hosts, in microseconds of processor time for a call. */
interface PairResult {
  readonly on: number;
  readonly off: number;
  readonly ratio: number;
}

export const observe: Scenario = {
  name: "observe",
  about:
    "the host's processor time for a call with metrics and remembered calls, beside a host without them",
  async run(run): Promise<readonly Figure[]> {
    const [withThem, without] = [leverWith("with", {}), leverWith("without", OFF)];
    const found = new Map<number, PairResult[]>(CONNECTIONS.map((count) => [count, []]));
    const memory: { on: number[]; off: number[] } = { on: [], off: [] };
    // Each process is compiled in another way, and has its memory elsewhere: only new ones show what that does.
    for (let round = 0; round < run.rounds; round++) {
      run.calibrate();
      await using on = await withThem.start();
      await using off = await without.start();
      for (const connections of CONNECTIONS) {
        found.get(connections)?.push(await comparePair(run, { on, off, connections }));
      }
      memory.on.push(instanceMb(on));
      memory.off.push(instanceMb(off));
    }
    run.calibrate();
    return [
      ...[...found].flatMap(([connections, results]): Figure[] => {
        const at = `${connections} connections`;
        return [
          measured(
            `${at}: host with, µs for a call`,
            results.map(({ on }) => on),
          ),
          measured(
            `${at}: host without, µs for a call`,
            results.map(({ off }) => off),
          ),
          atMost(
            `${at}: with / without`,
            results.map(({ ratio }) => ratio),
            1.03,
          ),
        ];
      }),
      measured("instance of the host with, MB", memory.on),
      measured("instance of the host without, MB", memory.off),
    ];
  },
};

/** Two hosts take short turns. The ratio is the median of those of neighbouring turns. */
async function comparePair(
  { seconds }: BenchRun,
  { on, off, connections }: { on: RunningPeer; off: RunningPeer; connections: number },
): Promise<PairResult> {
  using callsOn = await callsOf(on, connections);
  using callsOff = await callsOf(off, connections);
  await callsOn.make(WARM_UP_CALLS);
  await callsOff.make(WARM_UP_CALLS);
  const usOn: number[] = [];
  const usOff: number[] = [];
  for (let pair = 0; pair < seconds * PAIRS_PER_SECOND; pair++) {
    // The other order each time: a turn changes the caches that the next one finds.
    if (pair % 2 === 0) usOn.push(await usPerCall(on, callsOn));
    usOff.push(await usPerCall(off, callsOff));
    if (pair % 2 === 1) usOn.push(await usPerCall(on, callsOn));
  }
  return { on: median(usOn), off: median(usOff), ratio: median(ratios(usOn, usOff)) };
}

async function usPerCall({ processes }: RunningPeer, calls: SteadyCalls): Promise<number> {
  const pid = processes.get("host") ?? Number.NaN;
  const before = computedUs(pid);
  await calls.make(CALLS_PER_TURN);
  return (computedUs(pid) - before) / CALLS_PER_TURN;
}

function callsOf({ port, path, host }: RunningPeer, connections: number): Promise<SteadyCalls> {
  const body = '["world"]';
  const fields = `host: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  const request = `POST ${path}sayHello HTTP/1.1\r\n${fields}\r\n\r\n${body}`;
  return SteadyCalls.open({ port, connections, request, ending: '"Hello, world!"' });
}

const instanceMb = ({ processes }: RunningPeer): number =>
  proportionalBytes(processes.get("instance of work") ?? Number.NaN) / 1e6;
