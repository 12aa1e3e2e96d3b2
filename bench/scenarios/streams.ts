import { type Echo, grpcEcho, leverEcho, measureEcho, sizeOf, webSocketEcho } from "../echo.ts";
import { atLeast, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { startGrpcJs, startWs } from "../peers/echo-servers.ts";
import { lever } from "../peers/lever.ts";
import type { BenchRun, Scenario } from "../scenario.ts";

const messages = {
  "small messages": { from: "bench", text: "Hello, world!", number: 42 },
  "16 kB of bytes": Buffer.alloc(16_384, "x"),
};

/** How a stream is opened, and the ratio that is promised: to which other, for which messages. */
interface Way {
  readonly name: string;
  open(): Promise<Echo>;
}

export const streams: Scenario = {
  name: "streams",
  about: "messages that a streaming method sends back, 64 on their way at once, over one stream",
  async run(run): Promise<readonly Figure[]> {
    await using host = await lever.start();
    await using grpcServer = await startGrpcJs();
    await using wsServer = await startWs();
    const address = `127.0.0.1:${host.port}`;
    const url = `ws://${address}/work/echoChan?forceenv=dev.lever`;
    const client: Way = { name: "Lever, client leveros", open: () => leverEcho(address) };
    const socket: Way = { name: "Lever, WebSocket", open: () => webSocketEcho(url, []) };
    const grpc: Way = { name: "Lever, grpc-js client", open: () => grpcEcho(address) };
    const grpcJs: Way = { name: "grpc-js directly", open: () => grpcEcho(grpcServer.address) };
    const ws: Way = {
      name: "ws directly",
      open: () => webSocketEcho(`ws://${wsServer.address}/`),
    };
    const promises: readonly (readonly [Way, Way, number?])[] = [
      [client, grpcJs, 3],
      [socket, ws, 0.8],
      [grpc, grpcJs],
    ];
    const figures: Figure[] = [];
    for (const [kind, message] of Object.entries(messages)) {
      const rates = await measureWays(run, [client, grpcJs, socket, ws, grpc], message);
      const of = (way: Way): number[] => rates.get(way) ?? [];
      const mb = (way: Way): number[] => of(way).map((rate) => (rate * sizeOf(message)) / 1e6);
      const chart = `${kind}: messages a second`;
      for (const way of rates.keys()) {
        const name = `${kind}: ${way.name}`;
        figures.push(measured(`${name}, messages/s`, of(way), { chart, label: way.name }));
        figures.push(measured(`${name}, MB/s`, mb(way)));
      }
      for (const [way, to, limit] of promises) {
        const name = `${kind}: ${way.name} / ${to.name}`;
        const held = ratios(of(way), of(to));
        // The promises are about small messages.
        const isPromised = limit !== undefined && kind === "small messages";
        figures.push(isPromised ? atLeast(name, held, limit) : measured(name, held));
      }
    }
    return figures;
  },
};

async function measureWays(
  run: BenchRun,
  ways: readonly Way[],
  message: unknown,
): Promise<Map<Way, number[]>> {
  const measure = async (way: Way, seconds: number): Promise<number> => {
    const echo = await way.open();
    try {
      return await measureEcho(echo, message, seconds);
    } finally {
      echo.close();
    }
  };
  for (const way of ways) await measure(way, 0.5);
  return await interleave(run, ways, (way) => measure(way, run.seconds));
}
