import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  makeTemporaryFolder,
  type TemporaryFolder,
} from "../../../../tests/harness/temporary-folder.ts";
import { openPeerCertificate } from "./peer-certificate.ts";

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const fileOf = (name: string): string => join(folder.path, name);

it("the certificate of a host is signed by its own key, and never expires", () => {
  const { key, cert, fingerprint } = openPeerCertificate(fileOf("new.pem"));
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(certificate.validToDate.getUTCFullYear()).toBe(9999);
  expect(certificate.subject).toBe("CN=lever host");
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
});

it("a host keeps its certificate, in a file that only it reads", () => {
  const file = fileOf("kept.pem");
  const first = openPeerCertificate(file);
  expect(openPeerCertificate(file)).toEqual(first);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it("each host has another certificate", () => {
  const [one, other] = ["one.pem", "other.pem"].map((name) => openPeerCertificate(fileOf(name)));
  expect(one?.fingerprint).not.toBe(other?.fingerprint);
});

it("a file without a key or a certificate is refused with a remedy, and stays", () => {
  const file = fileOf("damaged.pem");
  writeFileSync(file, "no certificate");
  expect(() => openPeerCertificate(file)).toThrow(
    /does not have a key and a certificate\. Remove it, and this host makes new ones\.$/,
  );
  expect(readFileSync(file, "utf8")).toBe("no certificate");
});
