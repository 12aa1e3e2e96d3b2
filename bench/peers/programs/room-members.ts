/**
 * The members of a room, in one process: each is a TCP connection that counts the messages it gets. They stand for
 * programs on other machines, so they do as little as possible. The first one sends, or connections beside them do.
 *
 *     room-members.ts <ws | sse | grpc> <port> <path> <members> <messages on their way at once> <seconds>
 *
 * Prints the messages that all members together got in one second.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { leverMessages, toJsonMessage } from "../../../tests/harness/grpc-peer.ts";

const [protocol = "", port = "", path = "", ...numbers] = process.argv.slice(2);
const [members = 0, onTheirWay = 0, seconds = 0] = numbers.map(Number);
const WARM_MS = 300;
const STALLED_MS = 20_000;
/** Is in each message once, and in nothing else that a server sends. */
const MARK = Buffer.from("||");
const text = `Hello, everybody! ${"It is a quiet evening. ".repeat(3)}||`;

interface Protocol {
  /** Sent by each member when it is connected. */
  readonly joins: Buffer;
  /** Sent for each message. */
  readonly says: Buffer;
  /** Each message on its way has a connection of its own: else the first member's. */
  readonly hasSenders: boolean;
}

const head = (...lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;

function webSocket(): Protocol {
  const upgrade = head(
    `GET ${path} HTTP/1.1`,
    "host: dev.lever",
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
  );
  // Masked with zeros.
  const frame = (payload: string): Buffer =>
    Buffer.concat([Buffer.of(0x81, 0x80 | payload.length, 0, 0, 0, 0), Buffer.from(payload)]);
  return {
    joins: Buffer.concat([Buffer.from(upgrade), ...(path === "/" ? [] : [frame("[]")])]),
    says: frame(JSON.stringify(text)),
    hasSenders: false,
  };
}

function serverSentEvents(): Protocol {
  const body = JSON.stringify([text]);
  const asked = [`host: dev.lever`, "accept: text/event-stream"];
  const [type, length] = ["content-type: application/json", `content-length: ${body.length}`];
  const say = head("POST /room/say HTTP/1.1", "host: dev.lever", type, length);
  return {
    joins: Buffer.from(head(`GET ${path} HTTP/1.1`, ...asked)),
    says: Buffer.from(say + body),
    hasSenders: true,
  };
}

function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function grpc(): Protocol {
  // Literal fields without names from the table (RFC 7541, 6.2.2).
  const fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "dev.lever",
    "content-type": "application/grpc+proto",
    te: "trailers",
    "lever-url": "lever://dev.lever/room/joinChan",
  };
  const block = Object.entries(fields).flatMap(([name, value]) => [
    Buffer.of(0, name.length),
    Buffer.from(name),
    Buffer.of(value.length),
    Buffer.from(value),
  ]);
  const data = (message: object): Buffer => {
    const bytes = leverMessages.streamMessage.serialize(message);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(bytes.length, 1);
    return http2Frame(0, 0, 1, Buffer.concat([prefix, bytes]));
  };
  // Nothing that arrives has to be acknowledged: the windows are as large as they can be.
  const window = Buffer.of(0, 4, 0x7f, 0xff, 0xff, 0xff);
  const joins = [
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    http2Frame(4, 0, 0, window),
    http2Frame(8, 0, 0, Buffer.of(0x7f, 0, 0, 0)),
    http2Frame(1, 4, 1, Buffer.concat(block)),
    data({ rpc: { args: {} } }),
  ];
  const says = data({ message: toJsonMessage(text) });
  return { joins: Buffer.concat(joins), says, hasSenders: false };
}

let received = 0;
let onReceived = (): void => {};

/** Connects, and counts what arrives. */
async function join(greeting: Buffer): Promise<Socket> {
  let endsWithHalf = false;
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const socket = connect({
    port: Number(port),
    host: "127.0.0.1",
    onread: {
      buffer,
      callback(length) {
        const bytes = buffer.subarray(0, length);
        let at = endsWithHalf && bytes[0] === MARK[0] ? 0 : -1;
        if (at === 0) received++;
        while (true) {
          at = bytes.indexOf(MARK, at + 1);
          if (at === -1) break;
          received++;
          at++;
        }
        endsWithHalf = bytes[length - 1] === MARK[0] && bytes[length - 2] !== MARK[0];
        onReceived();
        return true;
      },
    },
  });
  socket.setNoDelay(true);
  await once(socket, "connect");
  socket.write(greeting);
  return socket;
}

const start = { ws: webSocket, sse: serverSentEvents, grpc }[protocol];
if (start === undefined) throw new Error("Cannot join: name a protocol, ws, sse or grpc.");
const { joins, says, hasSenders } = start();
const sockets: Socket[] = [];
while (sockets.length < members) sockets.push(await join(joins));
const senders: Socket[] = hasSenders ? [] : sockets.slice(0, 1);
while (senders.length < (hasSenders ? onTheirWay : 1)) senders.push(await join(Buffer.alloc(0)));
const stalled = setTimeout(() => {
  throw new Error(`Cannot measure: after ${received} messages no further one arrives.`);
}, STALLED_MS);

// All have joined once a message reaches all of them.
while (true) {
  received = 0;
  senders[0]?.write(says);
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (received === members) break;
}
received = 0;
let sent = 0;
let startedAt = Number.POSITIVE_INFINITY;
let startedWith = 0;
const warmUntil = performance.now() + WARM_MS;
const end = Promise.withResolvers<void>();
onReceived = (): void => {
  const now = performance.now();
  if (startedAt === Number.POSITIVE_INFINITY && now >= warmUntil) {
    startedAt = now;
    startedWith = received;
  }
  if (now - startedAt >= seconds * 1_000) {
    if (received === sent * members) end.resolve();
    return;
  }
  while (received >= (sent - onTheirWay + 1) * members) {
    senders[sent % senders.length]?.write(says);
    sent++;
  }
};
onReceived();
await end.promise;
clearTimeout(stalled);
console.log(Math.round(((received - startedWith) * 1_000) / (performance.now() - startedAt)));
process.exit(0);
