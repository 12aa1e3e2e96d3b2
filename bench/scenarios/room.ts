import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { programPath } from "../peer.ts";
import { startRoom } from "../peers/echo-servers.ts";
import { runTool } from "../run-tool.ts";
import { type BenchRun, type Scenario, startHost } from "../scenario.ts";

const MEMBERS = 200;

/** As users write it. */
const room = `
const members = new Set();
function tell(text) {
  const message = { from: "bench", text, at: new Date().toISOString() };
  for (const member of members) member.write(message);
}
exports.joinChan = (stream) => {
  members.add(stream);
  stream.on("data", tell).on("close", () => members.delete(stream));
};
exports.say = tell;
`;

/** A room that is measured. */
interface Way {
  readonly protocol: "ws" | "sse" | "grpc";
  readonly port: string;
  readonly path: string;
  readonly onTheirWay: number;
}

export const roomScenario: Scenario = {
  name: "room",
  group: "off-path",
  about: `a room of ${MEMBERS} members, in a process of their own, in which each message goes to all of them`,
  async run(run): Promise<readonly Figure[]> {
    await using host = await startHost();
    const fields = { name: "room", minInstances: 1, maxInstances: 1, maxInstanceLoad: 1_000 };
    await deployService(host, testService(room, fields));
    await using ws = await startRoom("ws");
    await using sse = await startRoom("sse");
    await using grpc = await startRoom("grpc");
    const lever = host.address.split(":")[1] ?? "";
    const rpc = "/core.LeverRPC/HandleStreamingRPC";
    const pairs = [
      ["WebSocket, one message after the other", "ws", ws, "/room/joinChan", "/", 1],
      ["WebSocket, 8 messages on their way", "ws", ws, "/room/joinChan", "/", 8],
      ["server-sent events, 8 messages on their way", "sse", sse, "/room/joinChan", "/", 8],
      ["gRPC, 8 messages on their way", "grpc", grpc, rpc, rpc, 8],
    ] as const;
    const ways = pairs.map(([name, protocol, peer, leverPath, peerPath, onTheirWay]) => {
      const [, port = ""] = peer.address.split(":");
      return {
        name,
        of: { protocol, port: lever, path: leverPath, onTheirWay },
        to: { protocol, port, path: peerPath, onTheirWay },
      };
    });
    const rates = await interleave(
      run,
      ways.flatMap(({ of, to }): Way[] => [of, to]),
      (way) => measureRoom(run, way),
    );
    return ways.flatMap(({ name, of, to }) => {
      const [held, peers] = [rates.get(of) ?? [], rates.get(to) ?? []];
      const chart = `${name}: messages delivered a second`;
      const ratio = ratios(held, peers);
      return [
        measured(`${name}: Lever, messages/s`, held, { chart, label: "Lever" }),
        measured(`${name}: ${PEERS[of.protocol]}, messages/s`, peers, {
          chart,
          label: PEERS[of.protocol],
        }),
        of.onTheirWay === 1
          ? measured(`${name}: Lever / ${PEERS[of.protocol]}`, ratio)
          : atLeast(`${name}: Lever / ${PEERS[of.protocol]}`, ratio, 1),
      ];
    });
  },
};

const PEERS = { ws: "ws", sse: "node:http", grpc: "grpc-js" } as const;

async function measureRoom(
  run: BenchRun,
  { protocol, port, path, onTheirWay }: Way,
): Promise<number> {
  const script = programPath("room-members.ts");
  const numbers = [MEMBERS, onTheirWay, run.seconds / 4];
  const printed = await runTool(process.execPath, [
    script,
    protocol,
    port,
    path,
    ...numbers.map(String),
  ]);
  return Number(printed);
}
