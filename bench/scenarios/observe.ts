import { greeting, load, warmUp } from "../comparison.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import type { RunningPeer } from "../peer.ts";
import { leverWith } from "../peers/lever.ts";
import { computedMs, proportionalBytes } from "../process-figures.ts";
import type { Scenario } from "../scenario.ts";

const workload = greeting(32);
/** Short turns, many of them: what else the machine does changes slowly. */
const TURNS_PER_ROUND = 4;

/** Limits with which a host counts and remembers no call. */
const OFF = { metricSeriesMax: 0, callsRememberedMax: 0, traceSampledEach: 0 };

export const observe: Scenario = {
  name: "observe",
  about:
    "the host's processor time for a call with metrics and remembered calls, beside a host without them, at 32 connections",
  async run(run): Promise<readonly Figure[]> {
    const [withThem, without] = [leverWith("with", {}), leverWith("without", OFF)];
    await using on = await withThem.start();
    await using off = await without.start();
    const hosts: readonly RunningPeer[] = [on, off];
    for (const host of hosts) await warmUp(host, workload);
    const turns = { ...run, rounds: run.rounds * TURNS_PER_ROUND };
    const results = await interleave(turns, hosts, async (host) => {
      const pid = host.processes.get("host") ?? Number.NaN;
      const before = computedMs(pid);
      const { requests } = await load(host, workload, run.seconds);
      return (1_000 * (computedMs(pid) - before)) / requests;
    });
    const [msOn = [], msOff = []] = hosts.map((host) => results.get(host));
    const idle = (host: RunningPeer): number =>
      proportionalBytes(host.processes.get("instance of work") ?? Number.NaN) / 1e6;
    return [
      measured("host with, ms for 1,000 calls", msOn),
      measured("host without, ms for 1,000 calls", msOff),
      atMost("with / without", ratios(msOn, msOff), 1.03),
      measured("instance of the host with, MB", idle(on)),
      measured("instance of the host without, MB", idle(off)),
    ];
  },
};
