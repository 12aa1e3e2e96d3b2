import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { measurePeers } from "../measure-peers.ts";
import type { RunningPeer } from "../peer.ts";
import { lever } from "../peers/lever.ts";
import { bareNode } from "../peers/node.ts";
import type { Scenario } from "../scenario.ts";
import { type WrkResult, wrk } from "../wrk.ts";

const CONNECTIONS = 32;
const SECONDS_MAX = 2;

export const newConnections: Scenario = {
  name: "new-connections",
  group: "off-path",
  about: `a greeting by HTTP, each over a new connection, ${CONNECTIONS} at once (wrk)`,
  async run(run): Promise<readonly Figure[]> {
    const peers = [lever, bareNode];
    const { results } = await measurePeers(run, peers, async (running) => {
      await call(running, 1);
      return await call(running, Math.min(run.seconds, SECONDS_MAX));
    });
    const series = (peer: (typeof peers)[number], of: keyof WrkResult): number[] =>
      (results.get(peer) ?? []).map((result) => result[of]);
    const chart = "requests a second, each over a new connection";
    return [
      ...peers.map((peer) =>
        measured(`${peer.name}, requests/s`, series(peer, "perSecond"), {
          chart,
          label: peer.name,
        }),
      ),
      atLeast(
        `${lever.name} / ${bareNode.name}`,
        ratios(series(lever, "perSecond"), series(bareNode, "perSecond")),
        0.95,
      ),
      atMost(
        "failed calls of Lever",
        series(lever, "failed").reduce((sum, count) => sum + count, 0),
        0,
      ),
    ];
  },
};

function call({ port, path, host }: RunningPeer, seconds: number): Promise<WrkResult> {
  return wrk({
    address: `127.0.0.1:${port}`,
    path: `${path}sayHello`,
    host,
    body: '["world"]',
    connections: CONNECTIONS,
    seconds,
    reconnects: true,
  });
}
