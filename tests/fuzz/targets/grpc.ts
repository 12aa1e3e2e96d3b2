import { leverMessages, toJsonMessage, toRpc } from "../../harness/grpc-peer.ts";
import { openHostSubject } from "../host-subject.ts";
import type { Corpus } from "../mutator.ts";
import type { FuzzTarget } from "../target.ts";
import {
  dataFrame,
  encodeHttp2,
  headersFrame,
  isAnswered,
  messageFrame,
  rawFrame,
  recordHttp2,
} from "./http2-frames.ts";

export const grpc: FuzzTarget = {
  name: "grpc",
  open: () => openHostSubject(async () => ({ corpus: await corpus(), isAnswered })),
};

const UNARY = "/core.LeverRPC/HandleRPC";
const STREAMING = "/core.LeverRPC/HandleStreamingRPC";

const headers = (path: string, url: string): Record<string, string> => ({
  ":method": "POST",
  ":scheme": "http",
  ":authority": "localhost",
  ":path": path,
  "content-type": "application/grpc+proto",
  te: "trailers",
  "grpc-timeout": "2S",
  "lever-url": url,
});

const settings = rawFrame(4, 0, 0, Buffer.alloc(0));
const bytes = (length: number): Buffer => Buffer.alloc(length, 7);
const rpcOf = (...args: readonly unknown[]): Buffer => leverMessages.rpc.serialize(toRpc(args));
const streamMessage = leverMessages.streamMessage.serialize;

async function corpus(): Promise<Corpus> {
  const rpc = rpcOf("a", 1.5, true, null, { b: [{ c: "d" }] });
  const first = streamMessage({ rpc: toRpc([5]) });
  const message = streamMessage({ message: toJsonMessage({ n: [1, "two"] }) });
  const chunk = streamMessage({ byte_message: bytes(300) });
  const recorded = await recordHttp2([
    { headers: headers(UNARY, "lever://dev.lever/fuzz/echo"), body: framed(rpc) },
    {
      headers: headers(STREAMING, "lever://dev.lever/fuzz/echoChan"),
      body: Buffer.concat([first, message, chunk].map(framed)),
    },
  ]);
  const inputs = [
    recorded,
    [
      settings,
      headersFrame(1, headers(UNARY, "lever://dev.lever/fuzz/echo")),
      messageFrame(1, rpc, true),
    ],
    [
      settings,
      headersFrame(1, headers(UNARY, "lever://dev.lever:80/fuzz/room/size")),
      messageFrame(1, rpcOf(bytes(500)), true),
      headersFrame(3, headers(UNARY, "lever://dev.lever/fuzz/fail")),
      messageFrame(3, rpcOf(), true),
    ],
    [
      settings,
      headersFrame(1, headers(STREAMING, "lever://dev.lever/fuzz/echoChan")),
      messageFrame(1, first),
      messageFrame(1, message),
      messageFrame(1, chunk),
      messageFrame(1, streamMessage({})),
      messageFrame(1, message, true),
      headersFrame(3, headers(STREAMING, "lever://dev.lever/fuzz/room/1/countChan")),
      messageFrame(3, first, true),
    ],
    [
      settings,
      headersFrame(1, headers(STREAMING, "lever://dev.lever/fuzz/countChan")),
      messageFrame(1, first),
      messageFrame(1, streamMessage({ error: toJsonMessage("left") })),
      rawFrame(3, 0, 1, Buffer.from([0, 0, 0, 8])),
    ],
    [
      settings,
      headersFrame(1, headers(UNARY, "lever://dev.lever/fuzz/echo")),
      // A message in pieces, and an end without one.
      dataFrame(1, framed(rpc).subarray(0, 9)),
      dataFrame(1, framed(rpc).subarray(9)),
      dataFrame(1, Buffer.alloc(0), true),
    ],
  ];
  return { inputs, words: WORDS, encode: encodeHttp2 };
}

/** The message behind its prefix, as it is in DATA frames. */
function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

const WORDS: readonly (string | Buffer)[] = [
  "lever-url\t\n",
  "lever-url\tlever://dev.lever/fuzz/echo\n",
  "lever-url\tlever:///fuzz/echo\n",
  "lever-url\t/fuzz/echo\n",
  "lever-url\tlever://admin.lever/admin/listServices\n",
  "lever-url\thttp://x/y/z\n",
  "grpc-timeout\t1n\n",
  "grpc-timeout\t99999999H\n",
  "grpc-timeout\tsoon\n",
  "grpc-encoding\tgzip\n",
  "content-type\tapplication/json\n",
  "authorization\tBearer lever_none\n",
  "x-lever-src-env\tadmin.lever\n",
  "HandleRPC",
  "HandleStreamingRPC",
  "echoChan",
  "countChan",
  "room/",
  "%00",
  "%ff",
  "__proto__",
  // Protobuf: tags of each kind, lengths that are too great, groups, a varint without an end.
  Buffer.from([0x0a]),
  Buffer.from([0x12]),
  Buffer.from([0x0a, 0x00]),
  Buffer.from([0x0a, 0x02, 0x22, 0x00]),
  Buffer.from([0x0a, 0x02, 0x2a, 0x00]),
  Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
  Buffer.from([0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f]),
  Buffer.from([0x11, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]),
  Buffer.from([0x1a, 0x01, 0xff]),
  Buffer.from([0x0b, 0x0b, 0x0b, 0x0c]),
  Buffer.alloc(12, 0xff),
  nested(600),
  nested(200),
];

/** Lists in lists, as JSONArray messages: each level is an element (field 1) that holds a list (field 5). */
function nested(depth: number): Buffer {
  let inner: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level++) {
    inner = lengthDelimited(0x0a, lengthDelimited(0x2a, inner));
  }
  return inner;
}

function lengthDelimited(tag: number, payload: Buffer): Buffer {
  const { length } = payload;
  const size = length < 128 ? [length] : [(length % 128) + 128, Math.floor(length / 128)];
  return Buffer.concat([Buffer.of(tag, ...size), payload]);
}
