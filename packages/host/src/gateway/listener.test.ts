import { once } from "node:events";
import { createServer } from "node:http";
import * as http2 from "node:http2";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { listen } from "./listener.ts";

it("closes an HTTP/2 connection whose other side has ended, and with it the calls on it", async () => {
  const servers = { http1: createServer(), http2: http2.createServer() };
  const closed = new Promise((resolve) => {
    servers.http2.on("stream", (stream) => stream.on("close", () => resolve("closed")));
  });
  const options = { bind: "127.0.0.1", port: 0, headersTimeoutMs: 60_000 };
  const listener = await listen(servers, options);
  const socket = connect(listener.port, "127.0.0.1");
  // Settings, and a POST to / whose body never comes (RFC 7541, A and 6.2.1).
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  socket.write(Buffer.from([0, 0, 6, 1, 4, 0, 0, 0, 1, 0x83, 0x86, 0x84, 0x41, 1, 0x78]));
  await once(servers.http2, "stream");
  socket.resume();
  socket.end();
  await once(socket, "close");
  expect(await closed).toBe("closed");
  await listener.close();
});
