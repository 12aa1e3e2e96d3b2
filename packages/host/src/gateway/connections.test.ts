import { EventEmitter } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import { LINK_UPGRADE } from "@leveros/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { answersOf, type RawConnection, request } from "../../../../tests/harness/raw-http.ts";
import { openTestGateway, type TestGateway } from "../../../../tests/harness/test-gateway.ts";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { Connections, type HeldConnection } from "./connections.ts";

const HOST = "host: dev.lever";
const echo = request("POST /svc/echo HTTP/1.1", [HOST]);
const echoByNode = request("POST /svc/echo HTTP/1.1", [HOST, "te: x"]);
const wait = request("POST /svc/wait HTTP/1.1", [HOST]);
const closing = request("POST /svc/echo HTTP/1.1", [HOST, "connection: close"]);

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await openTestGateway({ connectionsMax: 3 });
});

afterEach(() => gateway[Symbol.asyncDispose]());

/** A connection after one answer. */
async function idle(text = echo): Promise<RawConnection> {
  const connection = gateway.open();
  await connection.send(text);
  await connection.until(/\[1\]$/);
  return connection;
}

it("at the limit, a new connection takes the place of the longest idle one", async () => {
  const first = await idle();
  const second = await idle(echoByNode);
  const third = await idle();
  for (const used of [first, third]) {
    used.received = "";
    await used.send(echo);
    await used.until(/\[1\]$/);
  }
  expect(answersOf(await gateway.raw(closing))).toMatchObject([{ status: 200 }]);
  await second.closed;
  const fourth = await idle();
  await idle();
  await first.closed;
  expect([third.socket.closed, fourth.socket.closed]).toEqual([false, false]);
});

it("a connection that has sent nothing is idle", async () => {
  const silent = gateway.open();
  await idle();
  await idle();
  await idle();
  await silent.closed;
});

it("idle connections of HTTP/2 and idle links make room", async () => {
  const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
  const closed = new Promise((resolve) => session.on("close", resolve));
  await new Promise((resolve) => session.on("remoteSettings", resolve));
  const link = gateway.open();
  await link.send(
    `GET / HTTP/1.1\r\n${HOST}\r\nconnection: upgrade\r\nupgrade: ${LINK_UPGRADE}\r\n\r\n`,
  );
  await link.until(/101/);
  for (let count = 0; count < 3; count++) await idle();
  await Promise.all([closed, link.closed]);
});

it("when all connections are in use, another is refused with 503, and one event says so", async () => {
  for (let count = 0; count < 3; count++) await gateway.open().send(wait);
  await expect.poll(() => gateway.waiting.length).toBe(3);
  for (let count = 0; count < 3; count++) {
    const [answer] = answersOf(await gateway.raw(echo));
    expect(answer?.status).toBe(503);
    expect(answer?.head).toContain("retry-after: 1\r\n");
    expect(answer?.head).toContain("lever-error: platform\r\n");
    expect(answer?.body).toContain("3 are in use, the limit connectionsMax");
  }
  expect(gateway.events).toEqual(["connection limit reached"]);
});

it("a connection over HTTP/2 is closed when all others are in use", async () => {
  for (let count = 0; count < 3; count++) await gateway.open().send(wait);
  await expect.poll(() => gateway.waiting.length).toBe(3);
  expect(await gateway.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).toBe("");
});

it("a flood of connections is searched for idle ones rarely", () => {
  const held = new Set<HeldConnection>();
  let searched = 0;
  const sources = {
    [Symbol.iterator]: () => {
      searched++;
      return held.values();
    },
  };
  const clock = new VirtualClock();
  const connections = new Connections({
    connectionsMax: 1_000,
    held: [sources],
    clock,
    log: () => {},
  });
  const admit = (): boolean => connections.admit(new EventEmitter() as Socket);
  for (let count = 0; count < 1_000; count++) {
    expect(admit()).toBe(true);
    held.add({ idleSince: count, close() {} });
  }
  for (let count = 0; count < 512; count++) expect(admit()).toBe(true);
  expect(searched).toBe(2);
  held.clear();
  for (let count = 0; count < 1_000; count++) expect(admit()).toBe(false);
  expect(searched).toBe(3);
});
