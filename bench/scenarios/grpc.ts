import { grpcPeer, leverMessages, toRpc } from "../../tests/harness/grpc-peer.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { type H2loadResult, type H2loadRun, h2load } from "../h2load.ts";
import { interleave } from "../interleave.ts";
import { startGrpcJs } from "../peers/echo-servers.ts";
import { lever } from "../peers/lever.ts";
import type { Scenario } from "../scenario.ts";

const CONNECTIONS = 8;
const STREAMS = 4;
const url = "lever://dev.lever/work/sayHello";
const message = toRpc(["world"]);

export const grpc: Scenario = {
  name: "grpc",
  about: `unary calls by gRPC, ${CONNECTIONS} connections with ${STREAMS} calls each (h2load), beside a grpc-js server that does the work itself`,
  async run(run): Promise<readonly Figure[]> {
    await using host = await lever.start();
    await using direct = await startGrpcJs();
    const own = { name: "Lever", address: `127.0.0.1:${host.port}` };
    const bare = { name: "grpc-js server", address: direct.address };
    const both = [own, bare];
    for (const { name, address } of both) await checkGreeting(name, address);
    const measure = ({ address }: typeof own, seconds: number): Promise<H2loadResult> =>
      greetByGrpc({ address, connections: CONNECTIONS, streams: STREAMS, seconds });
    for (const peer of both) await measure(peer, 1);
    const results = await interleave(run, both, (peer) => measure(peer, run.seconds));
    for (const { name, address } of both) await checkGreeting(name, address);
    const rate = (of: typeof own): number[] =>
      (results.get(of) ?? []).map(({ perSecond }) => perSecond);
    const failed = (results.get(own) ?? []).reduce((sum, result) => sum + result.failed, 0);
    const chart = "unary calls a second";
    return [
      ...both.map((of) => measured(`${of.name}, calls/s`, rate(of), { chart, label: of.name })),
      atMost("Lever, failed calls", failed, 0),
      atLeast("Lever / grpc-js server", ratios(rate(own), rate(bare)), 1),
    ];
  },
};

/** Lets h2load call `sayHello`. */
export function greetByGrpc(
  run: Pick<H2loadRun, "address" | "connections" | "streams" | "seconds">,
): Promise<H2loadResult> {
  return h2load({
    ...run,
    path: "/core.LeverRPC/HandleRPC",
    headers: { "content-type": "application/grpc", te: "trailers", "lever-url": url },
    body: frame(leverMessages.rpc.serialize(message)),
  });
}

/** A message as gRPC sends it: not compressed, its length before it. */
function frame(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** h2load does not look at replies. @throws Error when this one is not the greeting. */
export async function checkGreeting(name: string, address: string): Promise<void> {
  const peer = grpcPeer(address);
  try {
    const reply = JSON.stringify(await peer.unary(url, message));
    if (!reply.includes("Hello, world!")) throw new Error(`Cannot call ${name}: it said ${reply}`);
  } finally {
    peer.close();
  }
}
