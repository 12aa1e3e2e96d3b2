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
import { fromJsonMessage, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { runLever, spawnLever } from "../harness/run-lever.ts";

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
    lever = await startLever({ args: [...tlsArgs(pair), "--limit", "headersTimeoutMs=300"] });
    expect(lever.origin).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const deployed = await lever.lever(["deploy", serviceDir], { env: trust });
    expect(deployed.stdout).toContain("Deployed safe");
  });

  afterAll(() => lever.stop());

  it("serves the command, calls, streams and events, to those who trust its authority", async () => {
    const invoked = await lever.lever(["invoke", "/safe/greet", '"you"'], { env: trust });
    expect(invoked.stdout).toBe('"Hello, you!"\n');
    const streamed = await lever.lever(["stream", "/safe/echoChan"], {
      env: trust,
      input: "1\n2\n",
    });
    expect(streamed).toMatchObject({ stdout: "1\n2\n", stderr: "" });
    const events = await lever.lever(["events"], { env: trust });
    expect(events.stdout).toContain("deployed");
    const following = spawnLever(["-H", lever.origin, "events", "-f"], { env: trust });
    const [event] = (await once(following.stdout, "data")) as [Buffer];
    expect(event.toString()).toMatch(/^\d{4}-\d\d-\d\d .*\w/);
    following.kill();
    await once(following, "close");
  });

  it("is refused by clients that do not, with what to do about it", async () => {
    const invoked = await lever.lever(["invoke", "/safe/greet", '"you"']);
    expect(invoked.status).toBe(3);
    expect(invoked.stderr).toMatch(/certificate is not trusted .*NODE_EXTRA_CA_CERTS/);
    const deployed = await lever.lever(["deploy", serviceDir]);
    expect(deployed.status).toBe(3);
    expect(deployed.stderr).toMatch(/certificate is not trusted .*NODE_EXTRA_CA_CERTS/);
  });

  it("serves HTTP/1 and HTTP/2, as the client chooses by ALPN", async () => {
    const name = "you".repeat(500_000);
    const body = JSON.stringify([name]);
    const headers = { "content-type": "application/json", "content-length": body.length };
    const path = "/safe/greet?forceenv=dev.lever";
    const outgoing = https.request(`${lever.origin}${path}`, {
      method: "POST",
      headers,
      ca: authority.cert,
      agent: false,
    });
    outgoing.end(body);
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    expect(await text(response)).toBe(`"Hello, ${name}!"`);

    const session = http2.connect(lever.origin, { ca: authority.cert });
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    stream.end(body);
    expect(await text(stream)).toBe(`"Hello, ${name}!"`);
    session.close();
  });

  it("serves gRPC to a client that shares no code with Lever", async () => {
    const peer = grpcPeer(lever.address, { authority: authority.cert });
    const answer = await peer.unary("lever://dev.lever/safe/greet", toRpc(["you"]));
    expect(fromJsonMessage(answer["result"])).toBe("Hello, you!");
    const stream = peer.stream("lever://dev.lever/safe/echoChan");
    stream.write({ rpc: toRpc([]) });
    stream.write({ message: { json_string: "é" } });
    stream.end();
    const messages: unknown[] = [];
    for await (const message of stream) messages.push(message);
    // The first message says that the stream is open.
    expect(messages).toEqual([{}, { message: { json_string: "é" } }]);
    peer.close();
  });

  it("serves WebSockets", async () => {
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
  ] as const)("refuses %s with %j", async (version, protocols, message) => {
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
  ])("tells a client that speaks plain %s so, and ends the connection", async (_name, sent) => {
    const socket = connect(portOf(lever), "127.0.0.1");
    socket.write(sent);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*this port speaks TLS, so use https:\/\//s);
  });

  it("tells the command so, too", async () => {
    const invoked = await runLever(["-H", lever.address, "invoke", "/safe/greet", '"you"']);
    expect(invoked.status).toBe(3);
    expect(invoked.stderr).toContain("this port speaks TLS");
  });

  it("ends a connection that says nothing, and one whose handshake never ends", async () => {
    const silent = connect(portOf(lever), "127.0.0.1");
    await once(silent, "close");
    const halfway = connect(portOf(lever), "127.0.0.1");
    // The beginning of a ClientHello that says it is longer.
    halfway.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    halfway.on("error", () => {});
    await once(halfway, "close");
    const idle = tls.connect({ port: portOf(lever), ca: authority.cert });
    await once(idle, "secureConnect");
    idle.resume();
    await once(idle, "close");
  });

  it("keeps a token for https apart from one for the same host without", async () => {
    const created = await lever.lever(["token", "create", "--in", "*", "--rights", "admin"], {
      env: trust,
    });
    const token = created.stdout.trim();
    const kept = await lever.lever(["login"], { env: trust, input: token });
    expect(kept.status).toBe(0);
    expect((await lever.lever(["ls"], { env: trust })).stdout).toContain("safe");
    const followed = await lever.lever(["token", "ls", "--json"], { env: trust });
    expect(JSON.parse(followed.stdout) as CreatedToken[]).toHaveLength(1);
    expect((await lever.lever(["login", "--forget"], { env: trust })).status).toBe(0);
    expect((await lever.lever(["ls"], { env: trust })).status).toBe(3);
  });
});

/** The name in the certificate that a new handshake is shown. */
async function shownName(lever: RunningLever): Promise<string> {
  const socket = tls.connect({ port: portOf(lever), ca: authority.cert });
  await once(socket, "secureConnect");
  const name = socket.getPeerX509Certificate()?.subject ?? "";
  socket.destroy();
  return name;
}

describe("replaced certificates", () => {
  const logged = (lever: RunningLever, text: string): Promise<void> =>
    expect.poll(() => lever.output(), { timeout: 10_000, interval: 20 }).toContain(text);

  it("are used by new connections, while old ones go on; those that cannot be used change nothing", async () => {
    const [first, second] = [authority.issue("first"), authority.issue("second")];
    const used = {
      certFile: join(authority.folder, "used.pem"),
      keyFile: join(authority.folder, "used.key"),
    };
    copyFileSync(first.certFile, used.certFile);
    copyFileSync(first.keyFile, used.keyFile);
    await using lever = await startLever({ args: tlsArgs(used) });
    await lever.lever(["deploy", serviceDir], { env: trust });
    const old = http2.connect(lever.origin, { ca: authority.cert });
    await once(old, "connect");
    expect(await shownName(lever)).toBe("CN=first");

    copyFileSync(second.certFile, used.certFile);
    await logged(lever, "certificate not replaced");
    expect(lever.output()).toContain("it is not the certificate's key");
    expect(await shownName(lever)).toBe("CN=first");

    writeFileSync(`${used.keyFile}.new`, "nonsense");
    renameSync(`${used.keyFile}.new`, used.keyFile);
    rmSync(used.certFile);
    await logged(lever, "Cannot read the certificate");
    expect(await shownName(lever)).toBe("CN=first");

    copyFileSync(second.certFile, used.certFile);
    copyFileSync(second.keyFile, used.keyFile);
    await logged(lever, "certificate replaced");
    expect(await shownName(lever)).toBe("CN=second");
    const stream = old.request({
      ":method": "POST",
      ":path": "/safe/greet?forceenv=dev.lever",
      "content-type": "application/json",
    });
    stream.end('["old"]');
    expect(await text(stream)).toBe('"Hello, old!"');
    old.close();
  });

  it("are found behind a link that is turned over", async () => {
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
    await logged(lever, "certificate replaced");
    expect(await shownName(lever)).toBe("CN=fourth");
  });
});

describe("lever up refuses to start", () => {
  const up = (...args: string[]): ReturnType<typeof runLever> =>
    runLever(["up", "--port", "0", "--data", join(authority.folder, "never"), ...args]);

  it.each([
    ["--tls-cert", "--tls-key"],
    ["--tls-key", "--tls-cert"],
  ])("with only %s", async (flag, missing) => {
    const { status, stderr } = await up(flag, "x.pem");
    expect(status).toBe(2);
    expect(stderr).toContain(`Cannot serve over TLS: ${missing} is missing.`);
  });

  it("with a pair that cannot be read, is no PEM, or does not go together", async () => {
    const [one, other] = [authority.issue("one"), authority.issue("other")];
    const broken = join(authority.folder, "broken.pem");
    writeFileSync(broken, "no certificate");
    const missing = await up("--tls-cert", "/nowhere.pem", "--tls-key", one.keyFile);
    expect(missing).toMatchObject({ status: 3, stdout: "" });
    expect(missing.stderr).toContain("Cannot read the certificate /nowhere.pem: ENOENT.");
    const noPem = await up("--tls-cert", broken, "--tls-key", one.keyFile);
    expect(noPem.status).toBe(3);
    expect(noPem.stderr).toContain(`Cannot use the certificate ${broken}: it is not PEM`);
    const mismatch = await up("--tls-cert", one.certFile, "--tls-key", other.keyFile);
    expect(mismatch.status).toBe(3);
    expect(mismatch.stderr).toContain(`Cannot use the key ${other.keyFile}`);
    expect(mismatch.stderr).not.toContain("--port");
  });
});
