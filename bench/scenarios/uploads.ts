import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { startUploads } from "../peers/echo-servers.ts";
import { type Scenario, startHost } from "../scenario.ts";
import { measureUpload, type UploadPiece, type UploadTarget } from "../upload.ts";

const service = `
exports.bytesChan = async (stream) => {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  stream.write(bytes);
};
exports.linesChan = async (stream) => {
  let sum = 0;
  for await (const { amount } of stream) sum += amount;
  stream.write(sum);
};
`;

const PIECE_BYTES = 64 * 1024;
/** Pieces end in the middle of a line, as those of a file do. */
const events = Array.from({ length: 3_000 }, (_, call) => ({
  time: new Date(1_767_225_600_000 + call).toISOString(),
  level: "info",
  call,
  tags: ["shop", "orders"],
  message: "order accepted",
  amount: call % 100,
}));
const lines = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(""));

interface Kind extends UploadPiece {
  readonly name: string;
  readonly peerPath: string;
  readonly method: string;
  readonly first: string;
  readonly atLeast: number;
}

const kinds: readonly Kind[] = [
  {
    name: "bytes",
    contentType: "application/octet-stream",
    bytes: Buffer.alloc(PIECE_BYTES, "x"),
    amount: PIECE_BYTES,
    peerPath: "/bytes",
    method: "bytesChan",
    first: "[]\n",
    atLeast: 0.6,
  },
  {
    name: "NDJSON lines",
    contentType: "application/x-ndjson",
    bytes: lines,
    amount: events.reduce((sum, { amount }) => sum + amount, 0),
    peerPath: "/lines",
    method: "linesChan",
    first: "[]\n",
    atLeast: 0.8,
  },
];

export const uploads: Scenario = {
  name: "uploads",
  group: "off-path",
  about: "one request that uploads bytes, or lines of JSON, to a streaming method",
  async run(run): Promise<readonly Figure[]> {
    await using host = await startHost();
    await deployService(host, testService(service, { name: "take", minInstances: 1 }));
    await using peer = await startUploads();
    const figures: Figure[] = [];
    for (const kind of kinds) {
      const lever: UploadTarget = {
        address: host.address,
        path: `/take/${kind.method}`,
        host: "dev.lever",
        first: kind.first,
      };
      const node: UploadTarget = { address: peer.address, path: kind.peerPath };
      for (const target of [node, lever]) await measureUpload(target, kind, 0.5);
      const rates = await interleave(run, [node, lever], (target) =>
        measureUpload(target, kind, run.seconds),
      );
      const of = (target: UploadTarget): number[] => rates.get(target) ?? [];
      const chart = `${kind.name}: megabytes a second`;
      figures.push(
        measured(`${kind.name}: Lever, MB/s`, of(lever), { chart, label: "Lever" }),
        measured(`${kind.name}: node:http, MB/s`, of(node), { chart, label: "node:http" }),
        atLeast(`${kind.name}: Lever / node:http`, ratios(of(lever), of(node)), kind.atLeast),
      );
    }
    return figures;
  },
};
