import { gzipSync } from "node:zlib";
import { openHostSubject } from "../host-subject.ts";
import type { Corpus } from "../mutator.ts";
import type { FuzzTarget } from "../target.ts";
import {
  dataFrame,
  encodeHttp2,
  headersFrame,
  isAnswered,
  rawFrame,
  recordHttp2,
} from "./http2-frames.ts";

export const http2: FuzzTarget = {
  name: "http2",
  open: () => openHostSubject(async () => ({ corpus: await corpus(), isAnswered })),
};

const post = (path: string, contentType: string): Record<string, string> => ({
  ":method": "POST",
  ":scheme": "http",
  ":authority": "dev.lever",
  ":path": path,
  "content-type": contentType,
});
const json = "application/json";
const settings = rawFrame(4, 0, 0, Buffer.alloc(0));
const SETTINGS_ACK = rawFrame(4, 1, 0, Buffer.alloc(0));

async function corpus(): Promise<Corpus> {
  const echo = { headers: post("/fuzz/echo", json), body: Buffer.from('["a", 1]') };
  const stream = {
    headers: post("/fuzz/echoChan?timeout=2s", "application/x-ndjson"),
    body: Buffer.from('[]\n{"a": 1}\n"two"\n'),
  };
  const size = {
    headers: post("/fuzz/room/size", "application/octet-stream"),
    body: Buffer.alloc(20_000, 7),
  };
  const inputs = [
    await recordHttp2([echo]),
    await recordHttp2([stream]),
    await recordHttp2([echo, stream, size]),
    [settings, SETTINGS_ACK, headersFrame(1, echo.headers), dataFrame(1, echo.body, true)],
    [
      settings,
      headersFrame(1, { ...stream.headers, "lever-timeout": "2s", origin: "https://a.example" }),
      dataFrame(1, stream.body.subarray(0, 3)),
      // Window for stream and connection, a ping, a priority.
      rawFrame(8, 0, 1, Buffer.from([0, 1, 0, 0])),
      rawFrame(8, 0, 0, Buffer.from([0, 1, 0, 0])),
      rawFrame(6, 0, 0, Buffer.alloc(8, 1)),
      rawFrame(2, 0, 1, Buffer.from([0, 0, 0, 0, 16])),
      dataFrame(1, stream.body.subarray(3), true),
      headersFrame(
        3,
        {
          ...post("/fuzz/countChan?forceenv=dev.lever&args=[5]", json),
          ":method": "GET",
          accept: "text/event-stream",
        },
        true,
      ),
    ],
    [
      // A window of 10 bytes, frames of at most 16 KiB, no push.
      rawFrame(4, 0, 0, Buffer.from([0, 4, 0, 0, 0, 10, 0, 5, 0, 0, 64, 0, 0, 2, 0, 0, 0, 0])),
      headersFrame(1, { ...echo.headers, "content-length": "8" }),
      dataFrame(1, echo.body, true),
      rawFrame(8, 0, 1, Buffer.from([0, 1, 0, 0])),
      headersFrame(3, { ...post("/fuzz/fail", json), "accept-encoding": "gzip" }),
      dataFrame(3, Buffer.from("[]")),
      rawFrame(1, 5, 3, Buffer.alloc(0)),
    ],
    [
      settings,
      headersFrame(1, { ...echo.headers, ":method": "OPTIONS", origin: "https://a.example" }, true),
      headersFrame(3, { ...echo.headers, cookie: "a=b" }),
      rawFrame(3, 0, 3, Buffer.from([0, 0, 0, 8])),
      headersFrame(5, post("/admin/listServices?forceenv=admin.lever", json)),
      dataFrame(5, Buffer.from('["dev.lever"]'), true),
      rawFrame(7, 0, 0, Buffer.alloc(8)),
    ],
  ];
  inputs.push([
    settings,
    headersFrame(1, { ...stream.headers, "content-encoding": "gzip" }),
    dataFrame(1, gzipSync(stream.body), true),
  ]);
  return { inputs, words: WORDS, encode: encodeHttp2 };
}

const WORDS: readonly (string | Buffer)[] = [
  ":method\tCONNECT\n",
  ":method\tHEAD\n",
  ":method\tGET\n",
  ":protocol\twebsocket\n",
  ":path\t*\n",
  ":path\t\n",
  ":path\t/fuzz/echo?forceenv=\n",
  ":status\t200\n",
  ":authority\t\n",
  "host\tdev.lever\n",
  "connection\tclose\n",
  "te\ttrailers\n",
  "transfer-encoding\tchunked\n",
  "content-length\t5\n",
  "content-length\t100001\n",
  "content-type\tapplication/grpc\n",
  "content-type\tapplication/octet-stream\n",
  "accept\ttext/event-stream\n",
  "lever-timeout\t1\n",
  "expect\t100-continue\n",
  "cookie\ta\n",
  "X-Upper\ta\n",
  "\t\n",
  "\n",
  "\r\n",
  "\0",
  "%ff",
  "/",
  "echoChan",
  "countChan",
  "fail",
  "room/",
  // Index 2, an entry that is not there, a change of the table's size, a name that never ends.
  Buffer.from([0x82]),
  Buffer.from([0xff, 0xff, 0xff, 0x7f]),
  Buffer.from([0x3f, 0xe1, 0xff, 0x03]),
  Buffer.from([0x40, 0x7f, 0xff, 0xff, 0xff]),
  // Whole frames: CONTINUATION, PUSH_PROMISE, RST_STREAM, an unknown one.
  Buffer.from([0, 9, 4, 0, 0, 0, 1]),
  Buffer.from([0, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2]),
  Buffer.from([0, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8]),
  Buffer.from([0, 0x20, 0, 0, 0, 0, 0]),
];
