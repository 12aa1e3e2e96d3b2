import { once } from "node:events";
import * as http2 from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { closeWhenIdle } from "./idle-session.ts";

let server: http2.Http2Server;
let port: number;
let idleMs: number;

beforeEach(async () => {
  idleMs = 30;
  server = http2.createServer();
  server.on("session", (session) => closeWhenIdle(session, idleMs));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});

afterEach(() => server.close());

it("a connection without open calls is closed when it is idle", async () => {
  const client = http2.connect(`http://127.0.0.1:${port}`);
  await once(client, "close");
});

it("a silent call continues while its peer acknowledges", async () => {
  // A busy machine needs some of it to acknowledge.
  idleMs = 1_000;
  const client = http2.connect(`http://127.0.0.1:${port}`);
  let opened: http2.ServerHttp2Stream | undefined;
  server.on("stream", (stream) => {
    opened = stream;
    stream.respond();
  });
  const call = client.request({ ":method": "POST" });
  await once(call, "response");
  // The server sends settings after each idle time.
  for (let asked = 0; asked < 2; asked++) await once(client, "remoteSettings");
  opened?.write("still here");
  expect(String(await once(call, "data"))).toBe("still here");
  call.close();
  await once(client, "close");
});

it("a connection whose peer acknowledges nothing is closed with its calls", async () => {
  const closed = new Promise((resolve) => {
    server.on("stream", (stream) => stream.on("close", resolve));
  });
  const socket = connect(port, "127.0.0.1");
  // Settings, and a POST to / without its body (RFC 7541, A and 6.2.1).
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  socket.write(Buffer.from([0, 0, 6, 1, 4, 0, 0, 0, 1, 0x83, 0x86, 0x84, 0x41, 1, 0x78]));
  socket.resume();
  await Promise.all([closed, once(socket, "close")]);
});
