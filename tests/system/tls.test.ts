// @module-tag needs-openssl
import { once } from "node:events";
import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as tls from "node:tls";
import type { CreatedToken } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { CertificateAuthority, type KeyPairFiles } from "../harness/certificates.ts";
import { eventually } from "../harness/eventually.ts";
import { fromJsonMessage, type GrpcPeer, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { type LeverRun, runLever, spawnLever } from "../harness/run-lever.ts";
import { sendRequest } from "../harness/site-client.ts";

const SERVICE = `
exports.greet = (name) => "Hello, " + name + "!";
exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
`;

let authority: CertificateAuthority;
/** The environment of a command that trusts the authority. */
let trust: Readonly<Record<string, string>>;
let serviceDir: string;

beforeAll(() => {
  authority = new CertificateAuthority();
  trust = { NODE_EXTRA_CA_CERTS: authority.certFile, XDG_CONFIG_HOME: authority.folder };
  serviceDir = join(authority.folder, "service");
  mkdirSync(serviceDir);
  writeFileSync(join(serviceDir, "lever.json"), '{"name": "safe", "jsEntry": "server.js"}');
  writeFileSync(join(serviceDir, "server.js"), SERVICE);
});

const tlsArgs = ({ certFile, keyFile }: KeyPairFiles): string[] => [
  "--tls-cert",
  certFile,
  "--tls-key",
  keyFile,
];
const portOf = ({ address }: RunningLever): number => Number(address.split(":")[1]);

afterAll(() => authority[Symbol.dispose]());

describe("a host with a certificate", () => {
  let lever: RunningLever;

  beforeAll(async () => {
    const pair = authority.issue("host");
    lever = await startLever({ args: [...tlsArgs(pair), "--limit", "headersTimeoutMs=1000"] });
    expect(lever.origin).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const deployed = await lever.lever(["deploy", serviceDir], { env: trust });
    expect(deployed.stdout).toContain("Deployed safe");
  });

  afterAll(() => lever.stop());

  it("lever invoke works over TLS with a trusted authority", async () => {
    const invoked = await lever.lever(["invoke", "/safe/greet", '"you"'], { env: trust });
    expect(invoked.stdout).toBe('"Hello, you!"\n');
  });

  it("lever stream works over TLS with a trusted authority", async () => {
    const input = "1\n2\n";
    const streamed = await lever.lever(["stream", "/safe/echoChan"], { env: trust, input });
    expect(streamed).toMatchObject({ stdout: "1\n2\n", stderr: "" });
  });

  it("lever events works over TLS with a trusted authority", async () => {
    const events = await lever.lever(["events"], { env: trust });
    expect(events.stdout).toContain("deployed");
  });

  it("lever events -f works over TLS with a trusted authority", async () => {
    const following = spawnLever(["-H", lever.origin, "events", "-f"], { env: trust });
    const [event] = (await once(following.stdout, "data")) as [Buffer];
    expect(event.toString()).toMatch(/^\d{4}-\d\d-\d\d .*\w/);
    following.kill();
    await once(following, "close");
  });

  it.each([
    ["invoke", () => ["invoke", "/safe/greet", '"you"']],
    ["deploy", () => ["deploy", serviceDir]],
  ])("lever %s without a trusted authority names NODE_EXTRA_CA_CERTS", async (_command, args) => {
    const refused = await lever.lever(args());
    expect(refused.status).toBe(3);
    expect(refused.stderr).toMatch(/certificate is not trusted .*NODE_EXTRA_CA_CERTS/);
  });

  const name = "you".repeat(500_000);
  const body = JSON.stringify([name]);
  const headers = { "content-type": "application/json", "content-length": body.length };
  const path = "/safe/greet?forceenv=dev.lever";

  it("a client that chooses HTTP/1 by ALPN is served over TLS", async () => {
    const outgoing = https.request(`${lever.origin}${path}`, {
      method: "POST",
      headers,
      ca: authority.cert,
      agent: false,
    });
    outgoing.end(body);
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    expect(await text(response)).toBe(`"Hello, ${name}!"`);
  });

  it("a client that chooses HTTP/2 by ALPN is served over TLS", async () => {
    const session = http2.connect(lever.origin, { ca: authority.cert });
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    stream.end(body);
    expect(await text(stream)).toBe(`"Hello, ${name}!"`);
    session.close();
  });

  describe("for gRPC", () => {
    let peer: GrpcPeer;

    beforeAll(() => {
      peer = grpcPeer(lever.address, { authority: authority.cert });
    });

    afterAll(() => peer.close());

    it("a gRPC call is answered over TLS", async () => {
      const answer = await peer.unary("lever://dev.lever/safe/greet", toRpc(["you"]));
      expect(fromJsonMessage(answer["result"])).toBe("Hello, you!");
    });

    it("a gRPC stream is echoed over TLS", async () => {
      const stream = peer.stream("lever://dev.lever/safe/echoChan");
      stream.write({ rpc: toRpc([]) });
      stream.write({ message: { json_string: "é" } });
      stream.end();
      const messages: unknown[] = [];
      for await (const message of stream) messages.push(message);
      // The first message says that the stream is open.
      expect(messages).toEqual([{}, { message: { json_string: "é" } }]);
    });
  });

  it("a WebSocket is echoed over TLS", async () => {
    const url = `${lever.origin.replace("https", "wss")}/safe/echoChan?forceenv=dev.lever`;
    const socket = new WebSocket(url, { ca: authority.cert });
    await once(socket, "open");
    socket.send("[]");
    const sent = Array.from({ length: 1_000 }, (_, i) => String(i));
    const messages: string[] = [];
    socket.on("message", (message) => messages.push(String(message)));
    for (const message of [...sent, ""]) socket.send(message);
    await once(socket, "close");
    expect(messages).toEqual(sent);
  });

  it.each([
    ["TLSv1.1", ["http/1.1"], /protocol version|unsupported protocol|no protocols/i],
    ["TLSv1.2", ["spdy/3"], /no.application.protocol/i],
  ] as const)("a handshake of %s with %j is refused", async (version, protocols, message) => {
    const socket = tls.connect({
      port: portOf(lever),
      ca: authority.cert,
      ALPNProtocols: [...protocols],
      minVersion: version,
      maxVersion: version,
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toMatch(message);
  });

  it.each([
    ["HTTP/1", "POST /safe/greet HTTP/1.1\r\nhost: dev.lever\r\n\r\n"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("a client that speaks plain %s is told to use https", async (_name, sent) => {
    const socket = connect(portOf(lever), "127.0.0.1");
    socket.write(sent);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*this port speaks TLS, so use https:\/\//s);
  });

  it("lever invoke without https says that the port speaks TLS", async () => {
    const invoked = await runLever(["-H", lever.address, "invoke", "/safe/greet", '"you"']);
    expect(invoked.status).toBe(3);
    expect(invoked.stderr).toContain("this port speaks TLS");
  });

  it("a connection without a byte is closed after headersTimeoutMs", async () => {
    const silent = connect(portOf(lever), "127.0.0.1");
    await once(silent, "close");
  });

  it("a connection whose handshake does not end is closed after headersTimeoutMs", async () => {
    const halfway = connect(portOf(lever), "127.0.0.1");
    // The beginning of a ClientHello whose header names a greater length.
    halfway.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    halfway.on("error", () => {});
    await once(halfway, "close");
  });

  it("a connection without a request is closed after headersTimeoutMs", async () => {
    const idle = tls.connect({ port: portOf(lever), ca: authority.cert });
    await once(idle, "secureConnect");
    idle.resume();
    await once(idle, "close");
  });

  describe("with a token", () => {
    let listed: LeverRun;
    let followed: LeverRun;

    beforeAll(async () => {
      const created = await lever.lever(["token", "create", "--in", "*", "--rights", "admin"], {
        env: trust,
      });
      const kept = await lever.lever(["login"], { env: trust, input: created.stdout.trim() });
      expect(kept.status).toBe(0);
      listed = await lever.lever(["ls"], { env: trust });
      followed = await lever.lever(["token", "ls", "--json"], { env: trust });
    });

    it("lever login keeps a token for a host with https", () => {
      expect(listed.stdout).toContain("safe");
      expect(JSON.parse(followed.stdout) as CreatedToken[]).toHaveLength(1);
    });

    it("lever logout removes the token of a host with https", async () => {
      expect((await lever.lever(["logout"], { env: trust })).status).toBe(0);
      expect((await lever.lever(["ls"], { env: trust })).status).toBe(3);
    });
  });
});

/** The name in the certificate that a new connection gets. */
async function shownName(lever: RunningLever, servername = "localhost"): Promise<string> {
  const socket = tls.connect({ port: portOf(lever), ca: authority.cert, servername });
  await once(socket, "secureConnect");
  const name = socket.getPeerX509Certificate()?.subject ?? "";
  socket.destroy();
  return name;
}

describe("a certificate whose files are replaced", () => {
  let lever: RunningLever;
  let used: KeyPairFiles;
  let second: KeyPairFiles;
  let old: http2.ClientHttp2Session;

  beforeAll(async () => {
    const first = authority.issue("first");
    second = authority.issue("second");
    used = {
      certFile: join(authority.folder, "used.pem"),
      keyFile: join(authority.folder, "used.key"),
    };
    copyFileSync(first.certFile, used.certFile);
    copyFileSync(first.keyFile, used.keyFile);
    lever = await startLever({ args: tlsArgs(used) });
    await lever.lever(["deploy", serviceDir], { env: trust });
    old = http2.connect(lever.origin, { ca: authority.cert });
    await once(old, "connect");
    expect(await shownName(lever)).toBe("CN=first");
  });

  afterAll(async () => {
    old?.close();
    await lever?.stop();
  });

  it("a certificate that does not fit its key changes nothing", async () => {
    copyFileSync(second.certFile, used.certFile);
    await lever.event("certificate not replaced", { reason: /it is not the certificate's key/ });
    expect(await shownName(lever)).toBe("CN=first");
  });

  it("a missing certificate changes nothing", async () => {
    writeFileSync(`${used.keyFile}.new`, "nonsense");
    renameSync(`${used.keyFile}.new`, used.keyFile);
    rmSync(used.certFile);
    await lever.event("certificate not replaced", { reason: /Cannot read the certificate/ });
    expect(await shownName(lever)).toBe("CN=first");
  });

  it("new connections get the certificate that replaced another", async () => {
    copyFileSync(second.certFile, used.certFile);
    copyFileSync(second.keyFile, used.keyFile);
    await lever.event("certificate replaced");
    expect(await shownName(lever)).toBe("CN=second");
  });

  it("connections from before the certificate was replaced go on", async () => {
    const stream = old.request({
      ":method": "POST",
      ":path": "/safe/greet?forceenv=dev.lever",
      "content-type": "application/json",
    });
    stream.end('["old"]');
    expect(await text(stream)).toBe('"Hello, old!"');
  });
});

it("a certificate is replaced when the link to its folder changes", async () => {
  const folderOf = (name: string): string => {
    const folder = join(authority.folder, `..${name}`);
    const pair = authority.issue(name);
    mkdirSync(folder);
    renameSync(pair.certFile, join(folder, "tls.crt"));
    renameSync(pair.keyFile, join(folder, "tls.key"));
    return folder;
  };
  const link = join(authority.folder, "..data");
  symlinkSync(folderOf("third"), link);
  const pair = { certFile: join(link, "tls.crt"), keyFile: join(link, "tls.key") };
  await using lever = await startLever({ args: tlsArgs(pair) });
  expect(await shownName(lever)).toBe("CN=third");
  symlinkSync(folderOf("fourth"), `${link}.new`);
  renameSync(`${link}.new`, link);
  await lever.event("certificate replaced");
  expect(await shownName(lever)).toBe("CN=fourth");
});

it("workers choose certificates by host name, also replaced ones, and another port redirects to them", async () => {
  const folder = join(authority.folder, "several");
  mkdirSync(folder);
  const place = (name: string, host: string, file = name): void => {
    const { certFile, keyFile } = authority.issue(name, [`DNS:${host}`]);
    copyFileSync(keyFile, join(folder, `${file}.key`));
    copyFileSync(certFile, join(folder, `${file}.crt`));
  };
  place("shop", "shop.example.com");
  place("apps", "*.apps.example.com");
  const plain = authority.issue("plain", ["DNS:plain.example.com"]);
  const args = [...tlsArgs(plain), "--tls-dir", folder, "--http-port", "0"];
  await using lever = await startLever({ workers: 2, args });
  // The system spreads connections over the workers.
  const shown = async (host: string): Promise<readonly string[]> => {
    const names = await Promise.all(Array.from({ length: 16 }, () => shownName(lever, host)));
    return [...new Set(names)];
  };
  expect(await shown("plain.example.com")).toEqual(["CN=plain"]);
  expect(await shown("shop.example.com")).toEqual(["CN=shop"]);
  expect(await shown("one.apps.example.com")).toEqual(["CN=apps"]);
  place("renewed", "shop.example.com", "shop");
  await eventually(async () => String(await shown("shop.example.com")) === "CN=renewed");
  const { port } = await lever.event("redirects opened");
  const headers = { host: "shop.example.com" };
  const asked = { path: "/a?b=1", headers };
  const { status, headers: sent } = await sendRequest("HTTP/1.1", `127.0.0.1:${port}`, asked);
  const location = `https://shop.example.com:${portOf(lever)}/a?b=1`;
  expect([status, sent["location"]]).toEqual([308, location]);
});

describe("lever up refuses to start", () => {
  const up = (...args: string[]): ReturnType<typeof runLever> =>
    runLever(["up", "--port", "0", "--data", join(authority.folder, "never"), ...args]);

  it.each([
    ["--tls-cert", "--tls-key"],
    ["--tls-key", "--tls-cert"],
  ])("lever up with only %s refuses to start", async (flag, missing) => {
    const { status, stderr } = await up(flag, "x.pem");
    expect(status).toBe(2);
    expect(stderr).toContain(`Cannot serve over TLS: ${missing} is missing.`);
  });

  it("lever up refuses a certificate that it cannot read", async () => {
    const { keyFile } = authority.issue("unread");
    const missing = await up("--tls-cert", "/nowhere.pem", "--tls-key", keyFile);
    expect(missing).toMatchObject({ status: 3, stdout: "" });
    expect(missing.stderr).toContain("Cannot read the certificate /nowhere.pem: ENOENT.");
  });

  it("lever up refuses a certificate that is not PEM", async () => {
    const { keyFile } = authority.issue("no-pem");
    const broken = join(authority.folder, "broken.pem");
    writeFileSync(broken, "no certificate");
    const noPem = await up("--tls-cert", broken, "--tls-key", keyFile);
    expect(noPem.status).toBe(3);
    expect(noPem.stderr).toContain(`Cannot use the certificate ${broken}: it is not PEM`);
  });

  it("lever up refuses a key of another certificate", async () => {
    const [one, other] = [authority.issue("one"), authority.issue("other")];
    const mismatch = await up("--tls-cert", one.certFile, "--tls-key", other.keyFile);
    expect(mismatch.status).toBe(3);
    expect(mismatch.stderr).toContain(`Cannot use the key ${other.keyFile}`);
    expect(mismatch.stderr).not.toContain("--port");
  });
});
