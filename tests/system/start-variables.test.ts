import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { CertificateAuthority } from "../harness/certificates.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const SERVICE = `
const { execFileSync } = require("node:child_process");
const { readFileSync } = require("node:fs");
const { promisify, debuglog, inspect } = require("node:util");
const crypto = require("node:crypto");
const https = require("node:https");
const tls = require("node:tls");
exports.look = async () => {
  const work = promisify(crypto.pbkdf2);
  await Promise.all(Array.from({ length: 40 }, () => work("a", "b", 100, 32, "sha256")));
  return {
    locale: Intl.DateTimeFormat().resolvedOptions().locale,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    threads: Number(/^Threads:\\s*(\\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]),
    certificates: tls.getCACertificates("extra").length,
    frames: Error.stackTraceLimit,
    preloaded: globalThis.preloaded ?? [],
    inNodePath: require("of-node-path"),
    debugs: debuglog("trace").enabled,
    arenas: process.env.MALLOC_ARENA_MAX,
    options: process.env.NODE_OPTIONS,
  };
};
exports.statusOf = (url) => new Promise((resolve, reject) => {
  https.get(url, { agent: false }, (response) => resolve(response.statusCode)).on("error", reject);
});
`;
const FILES = {
  "server.js": SERVICE,
  "trace.mjs": "globalThis.preloaded = [...(globalThis.preloaded ?? []), 'import']; export {};",
  "trace.cjs": "globalThis.preloaded = ['require'];",
  "lib/of-node-path.js": "module.exports = 'found';",
};
/** Replaces what an earlier test has set. */
const NONE = { NODE_EXTRA_CA_CERTS: "/etc/ssl/certs/ca-certificates.crt", NODE_OPTIONS: "" };
const VARIABLES = [
  "LC_ALL=de_DE.UTF-8",
  "TZ=Asia/Tokyo",
  "UV_THREADPOOL_SIZE=30",
  "NODE_EXTRA_CA_CERTS=certificates/ca.pem",
  "NODE_OPTIONS=--stack-trace-limit=7 --import ./trace.mjs --require ./trace.cjs",
  "NODE_PATH=lib",
  "NODE_DEBUG=trace",
  "MALLOC_ARENA_MAX=3",
];

const authority = new CertificateAuthority();
afterAll(() => authority[Symbol.dispose]());

const readerOf = (lever: RunningLever) =>
  new Client({ forceHost: lever.address }).service("dev.lever", "reader");

describe("an instance as a process", () =>
  testVariables("process", (lever) => {
    it("a service reaches a server whose authority only NODE_EXTRA_CA_CERTS names", async () => {
      const { certFile, keyFile } = authority.issue("server");
      const options = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
      const server = createServer(options, (_, response) => response.end("hello"));
      await once(server.listen(0, "127.0.0.1"), "listening");
      const { port } = server.address() as AddressInfo;
      expect(await readerOf(lever()).invoke("statusOf", `https://127.0.0.1:${port}/`)).toBe(200);
      server.close();
    });
  }));
describe("an instance in a container", { tags: ["needs-containers"] }, () => testVariables("oci"));

function testVariables(
  isolation: "process" | "oci",
  further: (lever: () => RunningLever) => void = () => {},
): void {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startLever({ isolation });
    const files = { ...FILES, "certificates/ca.pem": authority.cert };
    const set = await lever.lever(["var", "set", "--service", "reader", ...VARIABLES]);
    expect(set.status, set.stderr).toBe(0);
    await deployService(lever, testService(files, { name: "reader" }));
  }, 60_000);

  afterAll(async () => {
    await lever.stop();
  });

  it(`variables that a process reads when it starts take effect (${isolation})`, async () => {
    const seen = (await readerOf(lever).invoke("look")) as Record<string, unknown>;
    expect(seen).toMatchObject({
      locale: "de-DE",
      timeZone: "Asia/Tokyo",
      certificates: 1,
      frames: 7,
      preloaded: ["require", "import"],
      inNodePath: "found",
      debugs: true,
      arenas: "3",
      options: "--stack-trace-limit=7 --import ./trace.mjs --require ./trace.cjs",
    });
    expect(seen["threads"]).toBeGreaterThan(30);
  });

  it.each([
    ["NODE_EXTRA_CA_CERTS", "missing.pem", /missing.pem, which the instance cannot read: .*ENOENT/],
    ["NODE_EXTRA_CA_CERTS", "server.js", /server.js, which has no certificate in PEM form/],
    ["NODE_EXTRA_CA_CERTS", "/etc/shadow", /shadow, which the instance cannot read/],
    ["NODE_OPTIONS", "--import ./missing.mjs", /Cannot find module .*missing.mjs/],
  ])(`a service does not start with %s=%s: the reason (${isolation})`, async (name, of, reason) => {
    await adminOf(lever).invoke("setVariables", "dev.lever", "wrong", { ...NONE, [name]: of });
    const deployed = deployService(lever, testService("exports.a = () => 1;", { name: "wrong" }));
    await expect(deployed).rejects.toThrow(reason);
  });

  it(`variables that would change the fence are refused (${isolation})`, async () => {
    const refused = await lever.lever(["var", "set", "NODE_OPTIONS=--allow-fs-read=/"]);
    expect([refused.status, refused.stderr]).toEqual([
      3,
      expect.stringContaining("--allow-fs-read is not allowed: Lever itself sets"),
    ]);
  });

  further(() => lever);
}
