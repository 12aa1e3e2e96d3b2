import { once } from "node:events";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CertificateAuthority } from "../../../../../tests/harness/certificates.ts";
import { openTestGateway, type TestGateway } from "../../../../../tests/harness/test-gateway.ts";
import { readCertificate, tlsFiles } from "./certificate.ts";

let authority: CertificateAuthority;
let folder: string;
let gateway: TestGateway;

/** Issues a certificate, and puts it into the folder. */
function place(name: string, host: string, files: readonly [cert: string, key: string]): void {
  const { certFile, keyFile } = authority.issue(name, [`DNS:${host}`]);
  copyFileSync(keyFile, join(folder, files[1]));
  copyFileSync(certFile, join(folder, files[0]));
}

async function shownName(servername: string): Promise<string> {
  const socket = connect({ port: gateway.port, host: "127.0.0.1", ca: authority.cert, servername });
  await once(socket, "secureConnect");
  const name = socket.getPeerX509Certificate()?.subject ?? "";
  socket.destroy();
  return name;
}

beforeAll(async () => {
  authority = new CertificateAuthority();
  folder = join(authority.folder, "certificates");
  mkdirSync(join(folder, "live"), { recursive: true });
  writeFileSync(join(folder, "README"), "");
  writeFileSync(join(folder, "ca.pem"), "");
  place("shop", "shop.example.com", ["shop.crt", "shop.key"]);
  place("apps", "*.apps.example.com", ["live/fullchain.pem", "live/privkey.pem"]);
  const first = authority.issue("first", ["DNS:first.example.com"]);
  const files = await tlsFiles({ pairs: [first], folder });
  gateway = await openTestGateway({}, await readCertificate(files));
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
});

it.each([
  ["shop.example.com", "CN=shop"],
  ["SHOP.example.com", "CN=shop"],
  ["one.apps.example.com", "CN=apps"],
  ["first.example.com", "CN=first"],
])("the certificate for %s is the one that has the name", async (host, name) => {
  expect(await shownName(host)).toBe(name);
});

it("a name that no certificate has gets the first one", async () => {
  const socket = connect({
    port: gateway.port,
    host: "127.0.0.1",
    servername: "a.b.apps.example.com",
    rejectUnauthorized: false,
  });
  await once(socket, "secureConnect");
  expect(socket.getPeerX509Certificate()?.subject).toBe("CN=first");
  socket.destroy();
});

it("a pair that cannot be used is logged, and the old one stays until it can", async () => {
  const { certFile } = authority.issue("other", ["DNS:shop.example.com"]);
  copyFileSync(certFile, join(folder, "shop.crt"));
  await expect
    .poll(() => gateway.events, { timeout: 10_000 })
    .toContain("certificate not replaced");
  expect(await shownName("shop.example.com")).toBe("CN=shop");
  place("renewed", "shop.example.com", ["shop.crt", "shop.key"]);
  await expect.poll(() => gateway.events, { timeout: 10_000 }).toContain("certificate replaced");
  expect(await shownName("shop.example.com")).toBe("CN=renewed");
}, 30_000);

it("certificates are added to the folder and removed from it", async () => {
  place("added", "added.example.com", ["added.crt", "added.key"]);
  await expect
    .poll(() => shownName("added.example.com").catch(String), { timeout: 10_000 })
    .toBe("CN=added");
  for (const file of ["added.crt", "added.key"]) rmSync(join(folder, file));
  await expect
    .poll(() => shownName("added.example.com").catch(String), { timeout: 10_000 })
    .toContain("ERR_TLS_CERT_ALTNAME_INVALID");
}, 30_000);

it("a folder without a pair is refused", async () => {
  const empty = join(authority.folder, "empty");
  mkdirSync(empty);
  await expect(tlsFiles({ pairs: [], folder: empty })).rejects.toThrow(
    "has no certificate with its key",
  );
  await expect(tlsFiles({ pairs: [], folder: join(empty, "none") })).rejects.toThrow(
    "Cannot read the folder",
  );
});
