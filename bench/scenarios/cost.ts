import { greeting, load, warmUp } from "../comparison.ts";
import { type Figure, measured, ratios } from "../figure.ts";
import { measurePeers } from "../measure-peers.ts";
import type { Peer } from "../peer.ts";
import { lever, leverOci } from "../peers/lever.ts";
import { bareNode, emptyRelay, leastServer } from "../peers/node.ts";
import { computedMs, endedMs } from "../process-figures.ts";
import type { Scenario } from "../scenario.ts";

const workload = greeting(32);
/** It takes its part of the same processors. */
const WRK = "wrk";

export const cost: Scenario = {
  name: "cost",
  about:
    "processor time that each process and wrk take for 1,000 calls, at 32 connections (utime and stime)",
  async run(run): Promise<readonly Figure[]> {
    const peers = [lever, leverOci, bareNode, leastServer, emptyRelay];
    const { results, absent } = await measurePeers(run, peers, async (running) => {
      const processes = [...running.processes];
      await warmUp(running, workload);
      const computed = (): number[] => [...processes.map(([, pid]) => computedMs(pid)), endedMs()];
      const before = computed();
      const { requests } = await load(running, workload, run.seconds);
      const after = computed();
      const roles = [...processes.map(([role]) => role), WRK];
      return new Map(
        roles.map((role, index) => {
          const ms = (after[index] ?? Number.NaN) - (before[index] ?? Number.NaN);
          return [role, (1_000 * ms) / requests];
        }),
      );
    });
    const sums = (peer: Peer): number[] =>
      (results.get(peer) ?? []).map((round) =>
        [...round].reduce((sum, [role, ms]) => (role === WRK ? sum : sum + ms), 0),
      );
    const chart = "processor time for 1,000 calls, ms";
    return [
      ...absent,
      ...[...results].flatMap(([peer, rounds]) => [
        ...[...(rounds[0]?.keys() ?? [])].map((role) => {
          const name = `${peer.name}: ${role}, ms for 1,000 calls`;
          return measured(
            name,
            rounds.map((round) => round.get(role) ?? Number.NaN),
          );
        }),
        measured(`${peer.name}: all, ms for 1,000 calls`, sums(peer), {
          chart,
          label: peer.name,
        }),
      ]),
      ...[lever, leverOci]
        .filter((peer) => results.has(peer))
        .map((peer) =>
          measured(`${peer.name} / ${bareNode.name}`, ratios(sums(peer), sums(bareNode))),
        ),
    ];
  },
};
