// @module-tag needs-openssl
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CertificateAuthority } from "../../../../../tests/harness/certificates.ts";
import { request } from "../../../../../tests/harness/raw-http.ts";
import { openTestGateway, type TestGateway } from "../../../../../tests/harness/test-gateway.ts";
import { readCertificate } from "./certificate.ts";

let authority: CertificateAuthority;
let gateway: TestGateway;

beforeAll(async () => {
  authority = new CertificateAuthority();
  const certificate = await readCertificate(authority.issue("host"));
  gateway = await openTestGateway({ connectionsMax: 2 }, certificate);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
});

async function connectTls(): Promise<TLSSocket> {
  const socket = connect({ port: gateway.port, host: "127.0.0.1", ca: authority.cert });
  await once(socket, "secureConnect");
  return socket;
}

it("a connection that ends in the middle of its handshake is closed at once", async () => {
  const connection = gateway.open();
  await connection.send(Buffer.of(0x16, 3, 1, 2, 0, 1, 0));
  connection.socket.end();
  await connection.closed;
}, 5_000);

it("a connection that ends after its handshake is closed at once", async () => {
  const socket = await connectTls();
  socket.resume().end();
  await once(socket, "close");
}, 5_000);

it("over TLS, a connection is refused with 503 when all others are in use", async () => {
  const wait = request("POST /svc/wait HTTP/1.1", ["host: dev.lever"]);
  for (let count = 0; count < 2; count++) (await connectTls()).write(wait);
  await expect.poll(() => gateway.waiting.length).toBe(2);
  const refused = await connectTls();
  refused.write(wait);
  const [answer] = (await once(refused, "data")) as [Buffer];
  expect(String(answer)).toMatch(/^HTTP\/1\.1 503 .*lever-error: platform/s);
});
