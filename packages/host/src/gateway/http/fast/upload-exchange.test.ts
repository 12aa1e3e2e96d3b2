import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  defaultLimits,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { seededRandom } from "../../../../../../tests/harness/seeded-random.ts";
import { TokenIndex } from "../../../access/token-index.ts";
import { systemClock } from "../../../clock.ts";
import { Sites } from "../../../router/sites.ts";
import { Admission } from "../../admission/admit-call.ts";
import { BodyBudget } from "../../body-budget.ts";
import { Readiness } from "../../platform/readiness.ts";
import { FileCache } from "../../sites/files/file-cache.ts";
import { UnreadReplies } from "../../unread-replies.ts";
import { FastConnections } from "./door.ts";

/** A router whose streams collect what they get, and answer at its end. */
class CollectingRouter {
  readonly sites: Sites = new Sites();
  readonly received: Uint8Array[] = [];
  readonly calls: string[] = [];
  aborted = 0;
  isWritable = true;
  reply: CallListener | undefined;
  /** Decides for each message whether it is copied, and its memory released. */
  copies: () => boolean = () => true;

  environment(): undefined {}

  refusal(): undefined {}

  open(request: CallRequest, reply: CallListener): CallHandle {
    this.calls.push(`${request.target.method} ${Buffer.from(request.body).toString()}`);
    this.reply = reply;
    const answer = (): void => {
      reply.onMessage(PAYLOAD_JSON, Buffer.from("7"));
      reply.onEnd();
    };
    if (!request.isStream) queueMicrotask(answer);
    return {
      ...closedSide,
      send: (_kind, bytes, _isLast, release) => {
        const isCopied = this.copies();
        this.received.push(isCopied ? Uint8Array.from(bytes) : bytes);
        if (isCopied) release?.();
        return this.isWritable;
      },
      end: answer,
      abort: () => {
        this.aborted++;
      },
    };
  }

  get content(): Buffer {
    return Buffer.concat(this.received);
  }
}

let router: CollectingRouter;
let fast: FastConnections;
let server: Server;
let replies: UnreadReplies;
let handedOver: number;
let socket: Socket;
let answer: string;

beforeEach(async () => {
  router = new CollectingRouter();
  handedOver = 0;
  answer = "";
  const access = new TokenIndex({ wallTime: () => 0, isLocalOnly: true });
  const limits = defaultLimits;
  const readiness = new Readiness();
  replies = new UnreadReplies({ connections: [], limits, clock: systemClock, log: () => {} });
  fast = new FastConnections(
    {
      admission: new Admission({ router, access, limits }),
      router,
      limits,
      budget: new BodyBudget(limits.bufferedBodyBytesMax),
      files: new FileCache(),
      replies,
      readiness,
      isSecure: false,
      closing: readiness.stopping,
      clock: systemClock,
      log: () => {},
    },
    (taken) => {
      handedOver++;
      taken.destroy();
    },
  );
  server = createServer((taken) => fast.take(taken));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString();
  });
  socket.on("error", () => {});
});

afterEach(() => {
  socket.destroy();
  fast.close();
  replies.close();
  server.close();
});

const head = (...fields: string[]): string =>
  ["POST /svc/takeChan HTTP/1.1", "host: dev.lever", ...fields, "", ""].join("\r\n");
const bytes = "content-type: application/octet-stream";
const chunked = "transfer-encoding: chunked";
const chunk = (content: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from("\r\n")]);
const end = "0\r\n\r\n";
const regular = "POST /svc/a HTTP/1.1\r\nhost: dev.lever\r\ncontent-length: 2\r\n\r\n[]";

it.each([
  ["is copied", () => 0],
  ["is kept", () => 1],
  ["is copied or kept", seededRandom(1)],
])("an upload arrives unchanged when its memory %s", async (_what, random) => {
  router.copies = () => random() < 0.5;
  const pieces = Array.from({ length: 200 }, (_, index) => {
    return Buffer.alloc(1 + ((index * 7_919) % 90_000), index + 1);
  });
  socket.write(head(bytes, chunked) + chunk(Buffer.from("[]\n")).toString());
  for (const piece of pieces) socket.write(chunk(piece));
  socket.write(end);
  await expect.poll(() => answer, { timeout: 5_000 }).toMatch(/\r\n7\n\r\n0\r\n\r\n$/);
  expect(router.content.equals(Buffer.concat(pieces))).toBe(true);
});

it("P2: a connection stays on the fast path after uploads", async () => {
  socket.write(regular + head(bytes, chunked) + chunk(Buffer.from("[]\nab")).toString());
  await expect.poll(() => router.content.toString()).toBe("ab");
  socket.write(chunk(Buffer.from("cd")).toString() + end + regular);
  await expect.poll(() => answer.match(/HTTP\/1\.1 200/g)?.length).toBe(3);
  socket.write(`${head(bytes, "content-length: 9")}[]\nef`);
  await expect.poll(() => router.content.toString()).toBe("abcdef");
  socket.write(`ghij${regular}`);
  await expect.poll(() => answer.match(/HTTP\/1\.1 200/g)?.length).toBe(5);
  expect(router.content.toString()).toBe("abcdefghij");
  expect(router.calls).toEqual(["a []", "takeChan []", "a []", "takeChan []", "a []"]);
  expect(handedOver).toBe(0);
});

it("an upload stops while the method does not take more", async () => {
  router.isWritable = false;
  socket.write(head(bytes, chunked) + chunk(Buffer.from("[]\n")).toString());
  const piece = chunk(Buffer.alloc(64 * 1024));
  for (let i = 0; i < 500; i++) socket.write(piece);
  let before = -1;
  const isSame = (): boolean => {
    const is = socket.writableLength === before;
    before = socket.writableLength;
    return is;
  };
  await expect.poll(isSame, { interval: 50 }).toBe(true);
  expect(router.content.length).toBeLessThan(1_000_000);
  router.isWritable = true;
  router.reply?.onDrain();
  socket.write(end);
  await expect.poll(() => answer, { timeout: 5_000 }).toMatch(/ 200 /);
  expect(router.content.length).toBe(500 * 64 * 1024);
});

it("an upload whose caller disconnects is cancelled", async () => {
  socket.write(head(bytes, chunked) + chunk(Buffer.from("[]\nab")).toString());
  await expect.poll(() => router.calls.length).toBe(1);
  socket.destroy();
  await expect.poll(() => router.aborted).toBe(1);
  await expect.poll(() => fast.connections.size).toBe(0);
});

it("P1: the next request waits for the rest of an upload that is answered early", async () => {
  socket.write(head(bytes, chunked) + chunk(Buffer.from("[]\n")).toString());
  await expect.poll(() => router.calls.length).toBe(1);
  router.reply?.onEnd();
  await expect.poll(() => answer).toMatch(/0\r\n\r\n$/);
  socket.write(chunk(Buffer.from("late")).toString());
  socket.write(end + regular);
  await expect.poll(() => router.calls).toEqual(["takeChan []", "a []"]);
  await expect.poll(() => answer.match(/HTTP\/1\.1 200/g)?.length).toBe(2);
});

it("a malformed chunk of an upload is refused, and the connection closes", async () => {
  socket.write(`${head(bytes, chunked)}zz\r\n`);
  await once(socket, "close");
  expect(answer).toMatch(/^HTTP\/1\.1 400 .*connection: close\r\n.*malformed_request/is);
});

it("H2: a malformed chunk after the head of the answer breaks the connection off", async () => {
  socket.write(head(bytes, chunked) + chunk(Buffer.from("[]\n")).toString());
  await expect.poll(() => router.calls.length).toBe(1);
  router.reply?.onMessage(PAYLOAD_JSON, Buffer.from("1"));
  await expect.poll(() => answer).toMatch(/\r\n1\n\r\n$/);
  socket.write("zz\r\n");
  await once(socket, "close");
  expect(answer).not.toMatch(/\r\n0\r\n/);
  expect(router.aborted).toBe(1);
});
