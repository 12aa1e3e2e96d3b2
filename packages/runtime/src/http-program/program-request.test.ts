import { createServer, type Server, type Socket } from "node:net";
import {
  type CallHandle,
  closedSide,
  type FetchRequestHead,
  type LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { afterEach, expect, it } from "vitest";
import { ConnectionPool } from "./connection-pool.ts";
import { ProgramRequest } from "./program-request.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A program that gets each connection, with its number, and each piece that arrives on it. */
async function program(
  onData: (socket: Socket, text: string, connection: number) => void,
): Promise<{ pool: ConnectionPool; connections: () => number }> {
  let count = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = ++count;
    socket.on("error", () => {});
    socket.on("data", (bytes) => onData(socket, bytes.toString("latin1"), connection));
    socket.on("end", () => onData(socket, "", connection));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { pool: new ConnectionPool({ host: "127.0.0.1", port }), connections: () => count };
}

interface Answer {
  readonly head: string;
  readonly content: string;
  readonly error: string | undefined;
}

interface Sent {
  readonly request: ProgramRequest;
  readonly answer: Promise<Answer>;
  /** Resolves once so many bytes of content have come. */
  readonly received: (bytes: number) => Promise<void>;
}

function send(pool: ConnectionPool, head: FetchRequestHead): Sent {
  const { promise: answer, resolve } = Promise.withResolvers<Answer>();
  const waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];
  let found = "";
  let content = "";
  let error: string | undefined;
  const side: CallHandle = {
    ...closedSide,
    send(kind, bytes) {
      if (kind === PAYLOAD_JSON) found = Buffer.from(bytes).toString();
      if (kind === PAYLOAD_BYTES) content += Buffer.from(bytes).toString("latin1");
      for (const wait of waiting) if (content.length >= wait.bytes) wait.resolve();
      return true;
    },
    abort(failure: LeverError) {
      error = failure.message;
    },
  };
  const request = new ProgramRequest(head, side, {
    pool,
    fields: "",
    onOver: () => resolve({ head: found, content, error }),
  });
  const received = (bytes: number): Promise<void> =>
    new Promise((done) => {
      if (content.length >= bytes) done();
      else waiting.push({ bytes, resolve: done });
    });
  return { request, answer, received };
}

const get: FetchRequestHead = ["GET", "http://a/", ["host", "a"], false];
const post: FetchRequestHead = ["POST", "http://a/", ["host", "a", "content-length", "3"], true];
const ok = (content: string, fields = ""): string =>
  `HTTP/1.1 200 OK\r\n${fields}content-length: ${content.length}\r\n\r\n${content}`;

it("requests one after the other share a connection", async () => {
  const { pool, connections } = await program((socket, text) => {
    if (text !== "") socket.write(ok("a"));
  });
  for (const _ of [1, 2, 3]) {
    expect(await send(pool, get).answer).toMatchObject({ content: "a", error: undefined });
  }
  expect(connections()).toBe(1);
  pool.close();
});

it.each<[string, string]>([
  ["that has bytes after the answer", `${ok("a")}more`],
  ["that the program does not keep", ok("a", "connection: close\r\n")],
  ["that the program keeps for a second", ok("a", "keep-alive: timeout=1\r\n")],
])("a connection %s is not used again", async (_what, answer) => {
  const { pool, connections } = await program((socket, text) => {
    if (text !== "") socket.write(answer);
  });
  for (const _ of [1, 2]) expect(await send(pool, get).answer).toMatchObject({ content: "a" });
  expect(connections()).toBe(2);
  pool.close();
});

it("a request on a connection that the program has closed is sent again, once", async () => {
  const { pool, connections } = await program((socket, text, connection) => {
    if (text === "") return;
    if (connection === 1 && socket.bytesWritten > 0) socket.end();
    else socket.write(ok(String(connection)));
  });
  expect(await send(pool, get).answer).toMatchObject({ content: "1" });
  expect(await send(pool, get).answer).toMatchObject({ content: "2" });
  expect(connections()).toBe(2);
  pool.close();
});

it.each<[string, FetchRequestHead]>([
  ["with a body", post],
  ["that is not safe to repeat", ["POST", "http://a/", ["host", "a"], false]],
])("a request %s is not sent again", async (_what, head) => {
  const { pool, connections } = await program((socket, text) => {
    if (text === "") return;
    if (socket.bytesWritten > 0) socket.end();
    else socket.write(ok("a"));
  });
  await send(pool, get).answer;
  const { request, answer } = send(pool, head);
  request.onMessage(PAYLOAD_BYTES, Buffer.from("abc"));
  request.onEnd();
  expect((await answer).error).toMatch(/^Cannot pass on the request: /);
  expect(connections()).toBe(1);
  pool.close();
});

it("a program that never answers a new connection fails its request", async () => {
  const { pool, connections } = await program((socket) => socket.end());
  expect((await send(pool, get).answer).error).toBe(
    "Cannot pass on the request: the program closed the connection.",
  );
  expect(connections()).toBe(1);
});

it("an answer before the end of the request ends the connection", async () => {
  const { pool, connections } = await program((socket, text) => {
    if (text !== "") socket.write(ok("no"));
  });
  const { request, answer } = send(pool, post);
  request.onMessage(PAYLOAD_BYTES, Buffer.from("a"));
  expect(await answer).toMatchObject({ content: "no" });
  await send(pool, get).answer;
  expect(connections()).toBe(2);
  pool.close();
});

it.each<[string, string, string]>([
  ["longer", "abcd", "longer"],
  ["shorter", "ab", "shorter"],
])("a body that is %s than its length fails its request", async (_what, body, how) => {
  const { pool } = await program(() => {});
  const { request, answer } = send(pool, post);
  request.onMessage(PAYLOAD_BYTES, Buffer.from(body));
  request.onEnd();
  expect((await answer).error).toContain(how);
});

it("a caller that leaves ends the connection to the program", async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: onArrived } = Promise.withResolvers<void>();
  const { pool } = await program((_socket, text) => {
    if (text === "") resolve();
    else onArrived();
  });
  const { request } = send(pool, get);
  await arrived;
  request.onAbort();
  await closed;
});

it("a WebSocket passes bytes in both directions, and its end", async () => {
  const { pool } = await program((socket, text) => {
    if (text.startsWith("GET ")) socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    else if (text !== "") socket.end(text.toUpperCase());
  });
  const upgrade: FetchRequestHead = ["GET", "http://a/", [], false, "websocket"];
  const { request, answer } = send(pool, upgrade);
  await expect.poll(() => request.isUpgraded).toBe(true);
  request.onMessage(PAYLOAD_BYTES, Buffer.from("abc"));
  expect(await answer).toEqual({ head: "[101,[]]", content: "ABC", error: undefined });
});

it("bytes of a caller do not reach a program that has not opened the WebSocket", async () => {
  let got = "";
  const { pool } = await program((socket, text) => {
    got += text;
    if (text.endsWith("\r\n\r\n")) socket.write("HTTP/1.1 200 OK\r\n\r\nrefused");
  });
  const { request, answer, received } = send(pool, ["GET", "http://a/", [], false, "websocket"]);
  await received(7);
  request.onMessage(PAYLOAD_BYTES, Buffer.from("GET /admin HTTP/1.1\r\n\r\n"));
  expect((await answer).error).toContain("earlier");
  expect(got).not.toContain("admin");
});
