import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import * as tls from "node:tls";
import { afterEach, expect, it } from "vitest";
import { Client } from "./client.ts";

/** What the peer heard. */
interface Heard {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly port: number | undefined;
}

type Answer = (response: http.ServerResponse, heard: Heard) => void;

/** The other side: a server that speaks Lever's HTTP API, and keeps what it heard. */
class Peer implements AsyncDisposable {
  readonly heard: Heard[] = [];
  readonly #server: http.Server;

  constructor(server: http.Server, answer: Answer) {
    this.#server = server;
    server.on("request", async (request, response) => {
      const { method, url, headers, socket } = request;
      const heard = { method, url, headers, body: await buffer(request), port: socket.remotePort };
      this.heard.push(heard);
      answer(response, heard);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const peers: Peer[] = [];

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer[Symbol.asyncDispose]();
});

async function startPeer(answer: Answer, server = http.createServer()): Promise<Peer> {
  const peer = await new Peer(server, answer).listen();
  peers.push(peer);
  return peer;
}

function sendJson(value: unknown, status = 200, headers: http.OutgoingHttpHeaders = {}): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };
}

function sendProblem(
  status: number,
  problem: unknown,
  headers: http.OutgoingHttpHeaders = {},
): Answer {
  return (response) => {
    const type = "application/problem+json";
    response.writeHead(status, { "content-type": type, "lever-error": "platform", ...headers });
    response.end(JSON.stringify(problem));
  };
}

function clientOf(
  peer: Peer,
  options: { timeoutMs?: number; replyBytesMax?: number } = {},
): Client {
  return new Client({ forceHost: peer.address, ...options });
}

it("posts the arguments as a JSON array and returns the JSON result", async () => {
  const peer = await startPeer(sendJson({ greeting: "Hello, world!" }));
  const service = clientOf(peer).service("dev.lever", "hello");
  expect(await service.invoke("greet", "world", 3, null, { polite: true })).toEqual({
    greeting: "Hello, world!",
  });
  const [heard] = peer.heard;
  expect(heard?.method).toBe("POST");
  expect(heard?.url).toBe("/hello/greet");
  expect(heard?.headers.host).toBe("dev.lever");
  expect(heard?.headers["content-type"]).toBe("application/json");
  expect(heard?.headers["lever-timeout"]).toBeUndefined();
  expect(heard?.body.toString()).toBe('["world",3,null,{"polite":true}]');
});

it("sends exactly one bytes argument as bytes, and returns bytes as a Buffer", async () => {
  const peer = await startPeer((response, { body }) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.end(body.toReversed());
  });
  const service = clientOf(peer).service("dev.lever", "mirror");
  const result = await service.invoke("reverse", new Uint8Array([1, 2, 255]));
  expect(result).toEqual(Buffer.from([255, 2, 1]));
  expect(Buffer.isBuffer(result)).toBe(true);
  expect(peer.heard[0]?.headers["content-type"]).toBe("application/octet-stream");
  expect(peer.heard[0]?.body).toEqual(Buffer.from([1, 2, 255]));
});

it("names a resource in the path, escaped but for its slashes", async () => {
  const peer = await startPeer(sendJson(null));
  await clientOf(peer).resource("dev.lever", "chat", "rooms/the lobby?").invoke("join", "Ada");
  expect(peer.heard[0]?.url).toBe("/chat/rooms/the%20lobby%3F/join");
  expect(peer.heard[0]?.body.toString()).toBe('["Ada"]');
});

it("calls the method that an absolute Lever URL names", async () => {
  const peer = await startPeer(sendJson(1));
  await clientOf(peer).invokeURL("lever://Prod.Example/chat/lobby/join", "Ada");
  expect(peer.heard[0]?.url).toBe("/chat/lobby/join");
  expect(peer.heard[0]?.headers.host).toBe("prod.example");
});

it("connects to the environment's own host and port without forceHost", async () => {
  const peer = await startPeer(sendJson("here"));
  const client = new Client({ forceHost: "" });
  expect(await client.invokeURL(`lever://${peer.address}/hello/where`)).toBe("here");
  expect(peer.heard[0]?.headers.host).toBe(peer.address);
});

it("follows forceHost when it is set later", async () => {
  const [first, second] = [await startPeer(sendJson(1)), await startPeer(sendJson(2))];
  const client = clientOf(first);
  const service = client.service("dev.lever", "hello");
  expect(await service.invoke("which")).toBe(1);
  client.forceHost = second.address;
  expect(await service.invoke("which")).toBe(2);
});

it("keeps its connection from call to call", async () => {
  const peer = await startPeer(sendJson(null));
  const service = clientOf(peer).service("dev.lever", "hello");
  await service.invoke("one");
  await service.invoke("two");
  expect(peer.heard[1]?.port).toBe(peer.heard[0]?.port);
});

it("asks the host for its timeout in milliseconds", async () => {
  const peer = await startPeer(sendJson(null));
  await clientOf(peer, { timeoutMs: 2_500 }).service("dev.lever", "hello").invoke("greet");
  expect(peer.heard[0]?.headers["lever-timeout"]).toBe("2500");
});

it("gives up by itself when a host does not keep the deadline", async () => {
  const peer = await startPeer(() => {});
  const call = clientOf(peer, { timeoutMs: 1 }).service("dev.lever", "hello").invoke("hang");
  await expect(call).rejects.toMatchObject({ name: "LeverError", code: "deadline_exceeded" });
});

const METHOD_ERROR = { "lever-error": "method" };

it("fails with the method's own value, whatever JSON it is", async () => {
  const value = { code: "out_of_stock", left: 0 };
  const peer = await startPeer(sendJson(value, 500, METHOD_ERROR));
  await expect(clientOf(peer).service("dev.lever", "shop").invoke("buy")).rejects.toMatchObject({
    name: "LeverError",
    code: "method_failed",
    value,
    message: '{"code":"out_of_stock","left":0}',
  });
});

it("fails with the method's own words when its value is a string", async () => {
  const peer = await startPeer(sendJson("There is no note 7.", 500, METHOD_ERROR));
  await expect(clientOf(peer).service("dev.lever", "notes").invoke("get", 7)).rejects.toMatchObject(
    { code: "method_failed", value: "There is no note 7.", message: "There is no note 7." },
  );
});

it("fails with the method's bytes when its value is bytes", async () => {
  const peer = await startPeer((response) => {
    const type = "application/octet-stream";
    response.writeHead(500, { "content-type": type, "lever-error": "method" });
    response.end(Buffer.from([7, 8]));
  });
  await expect(clientOf(peer).service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "method_failed",
    value: Buffer.from([7, 8]),
    message: "The method failed with 2 bytes.",
  });
});

it("fails with Lever's code and detail, and with when to try again", async () => {
  const problem = { status: 503, code: "overloaded", detail: "Cannot take the call: full." };
  const peer = await startPeer(sendProblem(503, problem, { "retry-after": "3" }));
  await expect(clientOf(peer).service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "overloaded",
    message: "Cannot take the call: full.",
    retryAfterSeconds: 3,
  });
});

it("takes a code it does not know for a failure of Lever", async () => {
  const peer = await startPeer(sendProblem(418, { code: "teapot", detail: "Short and stout." }));
  await expect(clientOf(peer).service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "internal",
    message: "Short and stout.",
  });
});

it.each([
  ["a page", 404, { "content-type": "text/html" }, "<h1>Not Found</h1>"],
  ["a page with status 200", 200, { "content-type": "text/html" }, "<h1>Welcome</h1>"],
  ["a redirect", 302, { location: "/elsewhere" }, ""],
  ["JSON with an error status", 500, { "content-type": "application/json" }, "{}"],
  ["a problem that is no JSON", 502, { "lever-error": "platform" }, "Bad Gateway"],
  ["an unknown kind of error", 500, { "lever-error": "cosmic" }, "{}"],
])("is unreachable when %s answers", async (_what, status, headers, body) => {
  const peer = await startPeer((response) => response.writeHead(status, headers).end(body));
  await expect(clientOf(peer).service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "unreachable",
    message: `Cannot call lever://dev.lever/x/y at ${peer.address}: the answer has status ${status} and is not from a Lever host.`,
  });
});

it("is unreachable when the reply is not JSON though it says so", async () => {
  const peer = await startPeer((response) =>
    response.writeHead(200, { "content-type": "application/json" }).end("{oops"),
  );
  await expect(clientOf(peer).service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "unreachable",
    message: "Cannot read the reply: it is not JSON.",
  });
});

it("is unreachable, with the cause, when nothing listens", async () => {
  const peer = await startPeer(sendJson(null));
  const client = clientOf(peer);
  await peers.pop()?.[Symbol.asyncDispose]();
  const call = client.service("dev.lever", "x").invoke("y");
  await expect(call).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringMatching(
      /^Cannot call lever:\/\/dev\.lever\/x\/y at 127\.0\.0\.1:\d+: nothing answers there \(ECONNREFUSED\)\.$/,
    ),
    cause: { code: "ECONNREFUSED" },
  });
});

it("says how to go on when an environment's name is not known", async () => {
  const call = new Client().invokeURL("lever://nowhere.invalid/x/y");
  await expect(call).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("Set forceHost to the address of a Lever host."),
  });
});

it("says that the method may have run when the connection breaks", async () => {
  const peer = await startPeer((response) => response.socket?.destroy());
  await expect(clientOf(peer).service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("The method may have run."),
  });
});

it("says the same when the reply breaks off", async () => {
  const peer = await startPeer((response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    response.write("[1,", () => response.socket?.destroy());
  });
  await expect(clientOf(peer).service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("The method may have run."),
  });
});

it("refuses a reply that is larger than its limit, and leaves", async () => {
  let left = Promise.resolve();
  const peer = await startPeer((response) => {
    left = new Promise((resolve) => response.once("close", resolve));
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.write(Buffer.alloc(1_001));
  });
  const call = clientOf(peer, { replyBytesMax: 1_000 }).service("dev.lever", "x").invoke("y");
  await expect(call).rejects.toMatchObject({
    code: "too_large",
    message: "Cannot take the reply: it is larger than the client's limit of 1000 bytes.",
  });
  await left;
});

it("takes a reply of exactly its limit", async () => {
  const peer = await startPeer((response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.end(Buffer.alloc(1_000));
  });
  const call = clientOf(peer, { replyBytesMax: 1_000 }).service("dev.lever", "x").invoke("y");
  expect(await call).toHaveLength(1_000);
});

it("expects the certificate of the host it connects to, and not of the environment", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lever-client-"));
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const made = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-noenc",
    "-days",
    "2",
  ];
  const files = ["-keyout", keyFile, "-out", certFile];
  execFileSync("openssl", ["req", "-x509", ...made, ...subject, ...files], { stdio: "ignore" });
  const cert = await readFile(certFile, "utf8");
  const server = https.createServer({ key: await readFile(keyFile, "utf8"), cert });
  await rm(folder, { recursive: true });
  const trusted = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...trusted, cert]);
  try {
    const peer = await startPeer(sendJson("safe"), server);
    const client = new Client({ forceHost: `https://localhost:${peer.port}` });
    expect(await client.service("dev.lever", "x").invoke("y")).toBe("safe");
    expect(peer.heard[0]?.headers.host).toBe("dev.lever");
    client.forceHost = `https://127.0.0.1:${peer.port}`;
    await expect(client.service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
      code: "unreachable",
      cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" },
    });
  } finally {
    tls.setDefaultCACertificates(trusted);
  }
});
