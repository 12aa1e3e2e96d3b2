import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import * as https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tls from "node:tls";
import { expect, it } from "vitest";
import { answerJson, startFakeHost } from "../../../tests/harness/fake-host.ts";
import { Client } from "./client.ts";

it("a call posts its arguments as a JSON array and returns the JSON result", async () => {
  await using host = await startFakeHost((response) =>
    answerJson(response, { greeting: "Hello, world!" }),
  );
  const service = new Client({ forceHost: host.address }).service("dev.lever", "hello");
  expect(await service.invoke("greet", "world", 3, null, { polite: true })).toEqual({
    greeting: "Hello, world!",
  });
  const [request] = host.requests;
  expect(request?.method).toBe("POST");
  expect(request?.url).toBe("/hello/greet");
  expect(request?.headers.host).toBe("dev.lever");
  expect(request?.headers["content-type"]).toBe("application/json");
  expect(request?.headers["lever-timeout"]).toBeUndefined();
  expect(request?.body.toString()).toBe('["world",3,null,{"polite":true}]');
});

it("a single bytes argument is sent as bytes, and bytes are returned as a Buffer", async () => {
  await using host = await startFakeHost((response, { body }) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.end(body.toReversed());
  });
  const service = new Client({ forceHost: host.address }).service("dev.lever", "mirror");
  const result = await service.invoke("reverse", new Uint8Array([1, 2, 255]));
  expect(result).toEqual(Buffer.from([255, 2, 1]));
  expect(Buffer.isBuffer(result)).toBe(true);
  expect(host.requests[0]?.headers["content-type"]).toBe("application/octet-stream");
  expect(host.requests[0]?.body).toEqual(Buffer.from([1, 2, 255]));
});

it("the path contains the resource, escaped except for its slashes", async () => {
  await using host = await startFakeHost((response) => answerJson(response, null));
  const client = new Client({ forceHost: host.address });
  await client.resource("dev.lever", "chat", "rooms/the lobby?").invoke("join", "Ada");
  expect(host.requests[0]?.url).toBe("/chat/rooms/the%20lobby%3F/join");
  expect(host.requests[0]?.body.toString()).toBe('["Ada"]');
});

it("invokeURL calls the method of an absolute Lever URL", async () => {
  await using host = await startFakeHost((response) => answerJson(response, 1));
  const client = new Client({ forceHost: host.address });
  await client.invokeURL("lever://Prod.Example/chat/lobby/join", "Ada");
  expect(host.requests[0]?.url).toBe("/chat/lobby/join");
  expect(host.requests[0]?.headers.host).toBe("prod.example");
});

it("a client with a baseUrl calls below it, and names no environment", async () => {
  await using host = await startFakeHost((response) => answerJson(response, 1));
  const client = new Client({ baseUrl: `http://${host.address}/-/lever/` });
  await client.resource("", "chat", "lobby").invoke("join", "Ada");
  await client.with({ timeoutMs: 500 }).invokeURL("/chat/lobby/join");
  expect(host.requests.map(({ url }) => url)).toEqual([
    "/-/lever/chat/lobby/join",
    "/-/lever/chat/lobby/join",
  ]);
  expect(host.requests[0]?.headers.host).toBe(host.address);
  await expect(client.invokeURL("lever://dev.lever/chat/join")).rejects.toThrow(
    "the baseUrl of the client stands for one environment",
  );
});

it("a client without forceHost connects to the environment's own host and port", async () => {
  await using host = await startFakeHost((response) => answerJson(response, "here"));
  const client = new Client({ forceHost: "" });
  expect(await client.invokeURL(`lever://${host.address}/hello/where`)).toBe("here");
  expect(host.requests[0]?.headers.host).toBe(host.address);
});

it("a forceHost that is set later applies to services made before", async () => {
  await using first = await startFakeHost((response) => answerJson(response, 1));
  await using second = await startFakeHost((response) => answerJson(response, 2));
  const client = new Client({ forceHost: first.address });
  const service = client.service("dev.lever", "hello");
  expect(await service.invoke("which")).toBe(1);
  client.forceHost = second.address;
  expect(await service.invoke("which")).toBe(2);
});

it("a client uses one connection for consecutive calls", async () => {
  await using host = await startFakeHost((response) => answerJson(response, null));
  const service = new Client({ forceHost: host.address }).service("dev.lever", "hello");
  await service.invoke("one");
  await service.invoke("two");
  expect(host.requests[1]?.clientPort).toBe(host.requests[0]?.clientPort);
});

it("the header lever-timeout carries the client's timeout in milliseconds", async () => {
  await using host = await startFakeHost((response) => answerJson(response, null));
  const client = new Client({ forceHost: host.address, timeoutMs: 2_500 });
  await client.service("dev.lever", "hello").invoke("greet");
  expect(host.requests[0]?.headers["lever-timeout"]).toBe("2500");
});

it("the client ends a call whose deadline the host does not enforce", async () => {
  await using host = await startFakeHost(() => {});
  const client = new Client({ forceHost: host.address, timeoutMs: 1 });
  await expect(client.service("dev.lever", "hello").invoke("hang")).rejects.toMatchObject({
    name: "LeverError",
    code: "deadline_exceeded",
  });
});

it("a reply over the client's limit is refused, and its connection closed", async () => {
  const closed = Promise.withResolvers<void>();
  await using host = await startFakeHost((response) => {
    response.once("close", closed.resolve);
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.write(Buffer.alloc(1_001));
  });
  const client = new Client({ forceHost: host.address, replyBytesMax: 1_000 });
  await expect(client.service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "too_large",
    message: "Cannot accept the reply: it is larger than the client's limit of 1000 bytes.",
  });
  await closed.promise;
});

it("a reply of exactly the client's limit is accepted", async () => {
  await using host = await startFakeHost((response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.end(Buffer.alloc(1_000));
  });
  const client = new Client({ forceHost: host.address, replyBytesMax: 1_000 });
  expect(await client.service("dev.lever", "x").invoke("y")).toHaveLength(1_000);
});

it("the certificate must be that of the connected host, not of the environment", {
  tags: ["needs-openssl"],
}, async () => {
  const { key, cert } = await makeCertificate("localhost");
  const server = https.createServer({ key, cert });
  const trusted = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...trusted, cert]);
  try {
    await using host = await startFakeHost((response) => answerJson(response, "safe"), server);
    const client = new Client({ forceHost: `https://localhost:${host.port}` });
    expect(await client.service("dev.lever", "x").invoke("y")).toBe("safe");
    expect(host.requests[0]?.headers.host).toBe("dev.lever");
    client.forceHost = `https://127.0.0.1:${host.port}`;
    await expect(client.service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
      code: "unreachable",
      cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" },
    });
  } finally {
    tls.setDefaultCACertificates(trusted);
  }
});

/** A self-signed certificate for a host name, PEM. */
async function makeCertificate(name: string): Promise<{ key: string; cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), "lever-client-"));
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  const keyKind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
  const files = ["-days", "2", "-keyout", keyFile, "-out", certFile];
  execFileSync("openssl", ["req", "-x509", ...keyKind, ...subject, ...files], { stdio: "ignore" });
  const made = { key: await readFile(keyFile, "utf8"), cert: await readFile(certFile, "utf8") };
  await rm(folder, { recursive: true });
  return made;
}
