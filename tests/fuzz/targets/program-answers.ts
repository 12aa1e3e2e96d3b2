import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { Duplex } from "node:stream";
import { parseResponseHead } from "@leveros/host/parts";
import { PAYLOAD_JSON } from "@leveros/protocol";
import { MalformedAnswer, ResponseReader } from "@leveros/runtime/http-program";
import type { Corpus } from "../mutator.ts";
import { ownMemory } from "../own-memory.ts";
import type { FuzzTarget } from "../target.ts";

const METHODS = ["GET", "HEAD", "POST"];
/** Of the gateway, for the head of an answer. */
const HEADER_BYTES_MAX = 16_384;

/**
 * Answers of programs on a port, and the heads that the gateway writes from them. An answer is read alike wherever its bytes are cut
 * in two. What Node's client reads as well, it reads as the same answer.
 */
export const programAnswers: FuzzTarget = {
  name: "program-answers",
  async open() {
    return {
      corpus,
      inputsAtOnce: 1,
      async feed(bytes, choice) {
        const method = METHODS[choice(METHODS.length)] ?? "GET";
        const isUpgrade = method === "GET" && choice(4) === 0;
        const whole = readAnswer([bytes], method, isUpgrade);
        const cut = choice(bytes.length + 1);
        const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
        expectSame(readAnswer(pieces, method, isUpgrade), whole, `cut at ${cut}`);
        expectWritable(whole);
        if (whole.problem === undefined && !isUpgrade) {
          const other = await readByNode(bytes.subarray(0, whole.bytes), method);
          if (other !== undefined) expectSame(other, whole, "by Node's client");
        }
      },
      async check() {
        const bytes = Buffer.from(CHUNKED.join(""));
        const own = readAnswer([bytes], "GET", false);
        const other = await readByNode(bytes, "GET");
        if (own.body !== "abcde" || other?.body !== own.body) {
          throw new Error(`what is valid is read as ${own.body}, and by Node as ${other?.body}`);
        }
      },
      measure: async () => [await ownMemory()],
      async [Symbol.asyncDispose]() {},
    };
  },
};

interface ReadAnswer {
  readonly status: number | undefined;
  readonly fields: readonly string[];
  readonly body: string;
  /** Bytes that belong to it. */
  readonly bytes: number;
  /** undefined = the answer is complete. */
  readonly problem: string | undefined;
}

/** Reads an answer whose connection ends after these bytes. */
function readAnswer(pieces: readonly Buffer[], method: string, isUpgrade: boolean): ReadAnswer {
  let status: number | undefined;
  let fields: readonly string[] = [];
  let body = "";
  let bytes = 0;
  let ends = 0;
  const onLast = (isLast: boolean): void => {
    if (ends > 0) throw new Error("the answer goes on after its end");
    if (isLast) ends++;
  };
  const reader = new ResponseReader(
    { method, isUpgrade },
    {
      onHead(head, isLast) {
        if (status !== undefined) throw new Error("the answer has two heads");
        onLast(isLast);
        ({ status, fields } = head);
      },
      onContent(piece, isLast) {
        onLast(isLast);
        body += piece.toString("latin1");
      },
    },
  );
  try {
    for (const piece of pieces) {
      if (reader.isComplete) break;
      // The memory of a piece is used again.
      const memory = Buffer.from(piece);
      const read = reader.push(memory);
      if (read > piece.length) throw new Error("more was read than there is");
      bytes += read;
      memory.fill(0xaa);
    }
    if (!reader.isComplete) reader.finish();
  } catch (error) {
    if (!(error instanceof MalformedAnswer)) throw error;
    return { status, fields, body, bytes, problem: error.message };
  }
  if (ends !== 1) throw new Error("a complete answer has no end");
  return { status, fields, body, bytes, problem: undefined };
}

/** The gateway writes the head, or says why it does not. */
function expectWritable({ status, fields }: ReadAnswer): void {
  if (status === undefined) return;
  const bytes = Buffer.from(JSON.stringify([status, fields]));
  const head = parseResponseHead(PAYLOAD_JSON, bytes, HEADER_BYTES_MAX, true);
  if (typeof head === "string") return;
  for (const [name, value] of Object.entries(head.headers)) {
    const isSound = [value].flat().every((one) => !/[\0\r\n]/.test(one)) && /^[!-~]+$/.test(name);
    const isOwn = /^(?:x-)?lever-|^(?:connection|transfer-encoding|content-length|upgrade)$/.test(
      name,
    );
    if (!isSound || isOwn) throw new Error(`the gateway would write the field ${name}`);
  }
}

/** undefined = Node's client refuses the answer. */
async function readByNode(bytes: Buffer, method: string): Promise<ReadAnswer | undefined> {
  const connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const agent = new Agent();
  agent.createConnection = () => connection;
  const sent = request({ agent, method, host: "program" });
  sent.on("error", () => {});
  try {
    sent.end();
    sent.on("upgrade", () => sent.destroy(new Error("It is another protocol.")));
    const answered = once(sent, "response") as Promise<[IncomingMessage]>;
    connection.push(bytes);
    connection.push(null);
    const [answer] = await answered;
    const pieces = await answer.setEncoding("latin1").toArray();
    const { statusCode: status } = answer;
    return { status, fields: [], body: pieces.join(""), bytes: bytes.length, problem: undefined };
  } catch {
    return undefined;
  } finally {
    sent.destroy();
    connection.destroy();
  }
}

function expectSame(found: ReadAnswer, wanted: ReadAnswer, how: string): void {
  const isSame =
    found.status === wanted.status &&
    found.problem === wanted.problem &&
    // Of an answer that breaks off, a part may not have been read yet.
    (wanted.problem !== undefined || found.body === wanted.body);
  if (isSame) return;
  const shown = ({ status, body, problem }: ReadAnswer): string =>
    JSON.stringify([status, body.slice(0, 200), problem]);
  throw new Error(`the answer is ${shown(wanted)}, and ${how} it is ${shown(found)}`);
}

const CHUNKED = [
  "HTTP/1.1 200 OK\r\n",
  "Content-Type: text/plain\r\n",
  "Transfer-Encoding: chunked\r\n",
  "\r\n",
  "3\r\nabc\r\n",
  "2;x=y\r\nde\r\n",
  "0\r\n",
  "X-Trailer: 1\r\n",
  "\r\n",
];

const corpus: Corpus = {
  inputs: [
    CHUNKED,
    ["HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\n", "Set-Cookie: a=1\r\n", "\r\n", "abcde"],
    ["HTTP/1.0 404 Not Found\r\n", "Connection: keep-alive\r\n", "\r\n", "until the end"],
    [
      "HTTP/1.1 103 Early Hints\r\n",
      "Link: </a>\r\n",
      "\r\n",
      "HTTP/1.1 204 No Content\r\n",
      "\r\n",
    ],
    ["HTTP/1.1 304 Not Modified\r\n", 'ETag: "a"\r\n', "Content-Length: 5\r\n", "\r\n"],
    ["HTTP/1.1 101 Switching Protocols\r\n", "Upgrade: websocket\r\n", "\r\n", "\x81\x01a"],
  ].map((parts) => parts.map((part) => Buffer.from(part, "latin1"))),
  words: [
    "\r\n",
    "\n",
    "\r",
    "\0",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "\r\n\r\n",
    "0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/2.0 200 OK\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 5, 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Lever-Error: platform\r\n",
    "Connection: close\r\n",
    " folded\r\n",
    "ffffffffffffffff\r\n",
    "-1\r\n",
  ],
  encode: (parts) => Buffer.concat(parts),
};
