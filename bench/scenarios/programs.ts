import { Client } from "leveros";
import { privateBytes } from "../../packages/host/src/launcher/process/process-memory.ts";
import { instancesOf } from "../../tests/harness/admin.ts";
import { grpcProgram } from "../../tests/harness/grpc-program.ts";
import type { RunningLever } from "../../tests/harness/lever.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { freePort, type Program, startProgram } from "../peer.ts";
import { type Scenario, startHost } from "../scenario.ts";
import { wrk } from "../wrk.ts";
import { checkGreeting, greetByGrpc } from "./grpc.ts";

const CONNECTIONS = 8;
const STREAMS = 4;
const FLOOD_CHUNKS = 4_096;
const CHUNK_BYTES = 65_536;

/** The same source runs as the program of a service and by itself. */
const source = grpcProgram(`
  HandleRPC(call, done) { done(null, { result: text("Hello, " + argumentsOf(call)[0] + "!") }); },
  HandleStreamingRPC(call) {
    call.write({});
    call.once("data", async () => {
      const chunk = Buffer.alloc(${CHUNK_BYTES}, "x");
      for (let sent = 0; sent < ${FLOOD_CHUNKS}; sent++) {
        if (!call.write({ byte_message: chunk })) await new Promise((go) => call.once("drain", go));
      }
      call.end();
    });
  },
`);

interface Result {
  readonly perSecond: number;
  readonly failed: number;
}

interface Way {
  readonly name: string;
  measure(seconds: number): Promise<Result>;
}

export const programs: Scenario = {
  name: "programs",
  group: "off-path",
  about:
    "a program in Node (`entry`, grpc-js) with 32 calls at once, by gRPC and by HTTP, beside the same program called directly; then it sends 256 MB",
  async run(run): Promise<readonly Figure[]> {
    const port = await freePort();
    const program = startProgram(process.execPath, ["-e", source], {
      LEVEROS_LISTEN_PORT: String(port),
    });
    await using host = await startHost();
    try {
      return await measurePrograms(run, host, { program, address: `127.0.0.1:${port}` });
    } finally {
      await program.stop();
    }
  },
};

async function measurePrograms(
  run: Parameters<Scenario["run"]>[0],
  host: RunningLever,
  peer: { program: Program; address: string },
): Promise<readonly Figure[]> {
  const one = { minInstances: 1, maxInstances: 1, maxInstanceLoad: 1_000 };
  const entry = [process.execPath, "server.cjs"];
  await deployService(host, testService({ "server.cjs": source }, { name: "work", entry, ...one }));
  const [instance] = await instancesOf(host, "work");
  const own = instance?.pid ?? 0;
  const byGrpc = (name: string, address: string): Way => ({
    name,
    measure: (seconds) =>
      greetByGrpc({ address, connections: CONNECTIONS, streams: STREAMS, seconds }),
  });
  const direct = byGrpc("the program directly, gRPC", peer.address);
  const grpc = byGrpc("Lever, gRPC", host.address);
  const http: Way = {
    name: "Lever, HTTP",
    measure: (seconds) =>
      wrk({
        address: host.address,
        path: "/work/sayHello",
        host: "dev.lever",
        body: '["world"]',
        connections: CONNECTIONS * STREAMS,
        seconds,
      }),
  };
  const ways = [direct, grpc, http];
  await checkGreeting(direct.name, peer.address);
  await checkGreeting(grpc.name, host.address);
  for (const way of ways) await way.measure(1);
  const memory: number[] = [];
  const results = await interleave(run, ways, async (way) => {
    const result = await way.measure(run.seconds);
    memory.push(privateBytes(own) / 1e6);
    return result;
  });
  const flood = await receiveFlood(host, () => memory.push(privateBytes(own) / 1e6));
  await checkGreeting(grpc.name, host.address);
  const [last] = await instancesOf(host, "work");
  const rates = (way: Way): number[] => (results.get(way) ?? []).map((it) => it.perSecond);
  const failed = [grpc, http].flatMap((way) => results.get(way) ?? []);
  const chart = "calls a second";
  return [
    ...ways.map((way) => measured(`${way.name}, calls/s`, rates(way), { chart, label: way.name })),
    atLeast("Lever / the program directly, gRPC", ratios(rates(grpc), rates(direct)), 0.7),
    atLeast("Lever by HTTP / the program directly", ratios(rates(http), rates(direct)), 0.75),
    atMost(
      "Lever, failed calls",
      failed.reduce((sum, result) => sum + result.failed, 0),
      0,
    ),
    measured("bytes that the program sends, MB/s", flood),
    atMost("instances that ended at the default ram", last?.pid === own ? 0 : 1, 0),
    atMost("most memory of Lever's process beside the program, MB", Math.max(...memory), 30),
  ];
}

/** Receives the bytes, and returns MB a second. `onMessage` is called after each MB. */
async function receiveFlood(host: RunningLever, onMegabyte: () => void): Promise<number> {
  const client = new Client({ forceHost: host.address });
  const startedAt = performance.now();
  let bytes = 0;
  for await (const chunk of await client.service("dev.lever", "work").invokeChan("floodChan")) {
    bytes += chunk instanceof Uint8Array ? chunk.length : 0;
    if (bytes % (16 * CHUNK_BYTES) === 0) onMegabyte();
  }
  if (bytes !== FLOOD_CHUNKS * CHUNK_BYTES) throw new Error(`Only ${bytes} bytes have arrived.`);
  return bytes / 1e3 / (performance.now() - startedAt);
}
