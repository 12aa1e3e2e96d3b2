import { once } from "node:events";
import * as http2 from "node:http2";
import { expect, it } from "vitest";
import { openTestGateway } from "../../../../../tests/harness/test-gateway.ts";

const post = { ":method": "POST", ":authority": "dev.lever" };

it("a connection without open calls is closed when it is idle", async () => {
  await using gateway = await openTestGateway({ idleConnectionTimeoutMs: 30 });
  const client = http2.connect(`http://127.0.0.1:${gateway.port}`);
  await once(client, "close");
});

it("a silent call continues while its peer acknowledges", async () => {
  // A busy machine needs some of it to acknowledge.
  await using gateway = await openTestGateway({ idleConnectionTimeoutMs: 1_000 });
  const client = http2.connect(`http://127.0.0.1:${gateway.port}`);
  const call = client.request({
    ...post,
    ":path": "/svc/echoChan",
    "content-type": "application/x-ndjson",
  });
  call.write("[]\n");
  expect(String(await once(call, "data"))).toBe("[]\n");
  // The server sends settings after each idle time.
  for (let asked = 0; asked < 2; asked++) await once(client, "remoteSettings");
  call.write('"still here"\n');
  expect(String(await once(call, "data"))).toBe('"still here"\n');
  call.close();
  await once(client, "close");
});

it("a connection whose peer acknowledges nothing is closed with its calls", async () => {
  await using gateway = await openTestGateway({ idleConnectionTimeoutMs: 30 });
  const connection = gateway.open();
  // Settings, and a POST to / without its body (RFC 7541, A and 6.2.1).
  connection.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  connection.send(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  const path = Buffer.from("/svc/wait");
  const head = Buffer.concat([
    Buffer.from([0x83, 0x86, 0x44, path.length]),
    path,
    Buffer.from([0x41, 9]),
    Buffer.from("dev.lever"),
  ]);
  connection.send(Buffer.from([0, 0, head.length, 1, 5, 0, 0, 0, 1]));
  connection.send(head);
  await expect.poll(() => gateway.waiting.length).toBe(1);
  await connection.closed;
  await expect.poll(() => gateway.waiting[0]?.isAborted).toBe(true);
});

it("a connection whose preface does not arrive is closed", async () => {
  await using gateway = await openTestGateway({ headersTimeoutMs: 30 });
  const connection = gateway.open();
  connection.send("PRI * HTTP/2.0\r\n\r\nSM");
  await connection.closed;
});
