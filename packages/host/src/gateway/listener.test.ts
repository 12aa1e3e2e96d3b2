import { once } from "node:events";
import { connect } from "node:net";
import { defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { TokenIndex } from "../access/token-index.ts";
import { systemClock } from "../clock.ts";
import { Router } from "../router/router.ts";
import { openGateway } from "./gateway.ts";
import { Readiness } from "./platform/readiness.ts";

it("an HTTP/2 connection is closed when its peer half-closes", async () => {
  const shared = { limits: defaultLimits, clock: systemClock, log: () => {} };
  const gateway = await openGateway({
    ...shared,
    bind: "127.0.0.1",
    port: 0,
    router: new Router({ ...shared, nextEpoch: () => 1 }),
    access: new TokenIndex({ wallTime: Date.now, isLocalOnly: true }),
    readiness: new Readiness(),
    certificate: undefined,
  });
  const socket = connect(gateway.port, "127.0.0.1");
  // Settings, and a POST to / without its body (RFC 7541, A and 6.2.1).
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  socket.write(Buffer.from([0, 0, 6, 1, 4, 0, 0, 0, 1, 0x83, 0x86, 0x84, 0x41, 1, 0x78]));
  const [first] = (await once(socket, "data")) as [Buffer];
  expect(first.length).toBeGreaterThan(0);
  socket.end();
  await once(socket, "close");
  await gateway.close();
});
