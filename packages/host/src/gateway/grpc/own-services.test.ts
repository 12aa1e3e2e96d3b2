import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { buffer } from "node:stream/consumers";
import zlib from "node:zlib";
import * as grpc from "@grpc/grpc-js";
import protobuf from "protobufjs";
import "protobufjs/ext/descriptor.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leverMessages, toRpc } from "../../../../../tests/harness/grpc-peer.ts";
import { openTestGateway, type TestGateway } from "../../../../../tests/harness/test-gateway.ts";
import { protoFiles } from "./proto-files.ts";

const BYTES_MAX = 1_000_000;
let gateway: TestGateway;
let client: grpc.Client;

beforeEach(async () => {
  gateway = await openTestGateway({ bodyBytesMax: BYTES_MAX });
  client = new grpc.Client(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure(), {
    // gzip.
    "grpc.default_compression_algorithm": 2,
  });
});

afterEach(async () => {
  client.close();
  await gateway[Symbol.asyncDispose]();
});

interface Codec {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): Record<string, unknown>;
}

function codec(file: string, name: string): Codec {
  const type = protobuf.parse(protoFiles[file] ?? "", { keepCase: true }).root.lookupType(name);
  return {
    serialize: (value) => Buffer.from(type.encode(type.fromObject(value)).finish()),
    deserialize: (bytes) => type.toObject(type.decode(bytes), { bytes: Buffer }),
  };
}

const healthFile = "grpc/health/v1/health.proto";
const healthRequest = codec(healthFile, "grpc.health.v1.HealthCheckRequest");
const healthResponse = codec(healthFile, "grpc.health.v1.HealthCheckResponse");

describe("health", () => {
  const check = (service: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        "/grpc.health.v1.Health/Check",
        healthRequest.serialize,
        healthResponse.deserialize,
        { service },
        (error, value) => (error === null ? resolve(value?.["status"]) : reject(error)),
      );
    });
  const watch = (service: string): grpc.ClientReadableStream<Record<string, unknown>> =>
    client
      .makeServerStreamRequest(
        "/grpc.health.v1.Health/Watch",
        healthRequest.serialize,
        healthResponse.deserialize,
        { service },
      )
      .on("error", () => {});

  it.each(["", "core.LeverRPC"])("a gateway serves the gRPC service %j", async (service) => {
    expect(await check(service)).toBe(1);
  });

  it("the health of an unknown service is not found", async () => {
    await expect(check("other")).rejects.toMatchObject({ code: grpc.status.NOT_FOUND });
    const [first] = (await once(watch("other"), "data")) as [object];
    expect(first).toEqual({ status: 3 });
  });

  it("a watch ends with NOT_SERVING when the gateway closes", async () => {
    const watched = watch("");
    const statuses: unknown[] = [];
    watched.on("data", ({ status }: { status: unknown }) => statuses.push(status));
    await once(watched, "data");
    const ended = once(watched, "status");
    void gateway.close();
    const [end] = (await ended) as [grpc.StatusObject];
    expect(statuses).toEqual([1, 2]);
    expect(end.code).toBe(grpc.status.OK);
  });
});

describe.each(["v1", "v1alpha"])("reflection %s", (version) => {
  const file = `grpc/reflection/${version}/reflection.proto`;
  const name = `grpc.reflection.${version}`;
  const request = codec(file, `${name}.ServerReflectionRequest`);
  const response = codec(file, `${name}.ServerReflectionResponse`);

  async function ask(asked: object): Promise<Record<string, unknown>> {
    const stream = client.makeBidiStreamRequest(
      `/${name}.ServerReflection/ServerReflectionInfo`,
      request.serialize,
      response.deserialize,
    );
    stream.write(asked);
    const [answer] = (await once(stream, "data")) as [Record<string, unknown>];
    stream.end();
    await once(stream, "status");
    return answer;
  }

  it("the gRPC services of a gateway are listed", async () => {
    const answer = await ask({ list_services: "*" });
    expect(answer["list_services_response"]).toEqual({
      service: [
        { name: "core.LeverRPC" },
        { name: "grpc.health.v1.Health" },
        { name: "grpc.reflection.v1.ServerReflection" },
        { name: "grpc.reflection.v1alpha.ServerReflection" },
      ],
    });
  });

  it.each([
    "core.LeverRPC",
    "core.LeverRPC.HandleRPC",
    "core.JSON",
    "grpc.health.v1.HealthCheckResponse.ServingStatus",
    `${name}.ServerReflection`,
  ])("%s is described", async (symbol) => {
    const answer = await ask({ file_containing_symbol: symbol });
    const { file_descriptor_proto: described } = answer["file_descriptor_response"] as {
      file_descriptor_proto: Buffer[];
    };
    const read = protobuf.Root.fromDescriptor(fileSet(described)).resolveAll();
    expect(read.lookup(symbol)).not.toBeNull();
    // The first field is the file's name.
    const name = protobuf.Reader.create(described[0] ?? Buffer.alloc(0))
      .skip(1)
      .string();
    const again = await ask({ file_by_filename: name });
    expect(again["file_descriptor_response"]).toEqual(answer["file_descriptor_response"]);
  });

  it("a symbol or a file that does not exist is not found", async () => {
    for (const asked of [{ file_containing_symbol: "core" }, { file_by_filename: "x.proto" }]) {
      expect((await ask(asked))["error_response"]).toMatchObject({ error_code: 5 });
    }
  });
});

/** A FileDescriptorSet. */
function fileSet(files: readonly Buffer[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const file of files) writer.uint32(10).bytes(file);
  return writer.finish();
}

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request over HTTP/2. */
async function send(headers: object, body: Buffer): Promise<Received> {
  const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/core.LeverRPC/HandleRPC",
    "content-type": "application/grpc",
    "lever-url": "lever://dev.lever/svc/echo",
    ...headers,
  });
  let trailers: IncomingHttpHeaders = {};
  stream.on("trailers", (received: IncomingHttpHeaders) => {
    trailers = received;
  });
  stream.end(body);
  const [answered] = (await once(stream, "response")) as [IncomingHttpHeaders];
  const received = await buffer(stream);
  session.close();
  return { headers: answered, trailers: { ...answered, ...trailers }, body: received };
}

function frame(message: Buffer, flag: number): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

describe("messages", () => {
  const rpcOf = (text: string): Buffer => leverMessages.rpc.serialize(toRpc([text]));
  const gzip = { "grpc-encoding": "gzip" };

  it("a caller that compresses its messages gets compressed ones", async () => {
    const sent = rpcOf("text ".repeat(10_000));
    const { headers, body } = await send(gzip, frame(zlib.gzipSync(sent), 1));
    expect(headers).toMatchObject({
      "grpc-encoding": "gzip",
      "grpc-accept-encoding": "identity,gzip",
    });
    expect([body[0], body.length < 1_000]).toEqual([1, true]);
    const reply = leverMessages.reply.deserialize(zlib.gunzipSync(body.subarray(5)));
    expect(JSON.stringify(reply)).toContain("text text");
  });

  it("a short message is sent without compression", async () => {
    const { body } = await send(gzip, frame(rpcOf("short"), 0));
    expect(body[0]).toBe(0);
  });

  it("a caller that only accepts compression gets none", async () => {
    const sent = rpcOf("text ".repeat(10_000));
    const { headers, body } = await send({ "grpc-accept-encoding": "gzip" }, frame(sent, 0));
    expect([headers["grpc-encoding"], body[0]]).toEqual([undefined, 0]);
  });

  it.each<[string, object, Buffer, number]>([
    ["in an unknown coding", { "grpc-encoding": "snappy" }, frame(rpcOf("x"), 0), 12],
    ["compressed without its coding", {}, frame(zlib.gzipSync(rpcOf("x")), 1), 12],
    ["that is not gzip", gzip, frame(rpcOf("x"), 1), 3],
    ["over the limit when decoded", gzip, frame(zlib.gzipSync(Buffer.alloc(3 * BYTES_MAX)), 1), 8],
  ])("a message %s is refused", async (_name, headers, body, status) => {
    const { trailers } = await send(headers, body);
    expect([trailers["grpc-status"], trailers["grpc-accept-encoding"]]).toEqual([
      String(status),
      "identity,gzip",
    ]);
  });

  it("grpc-js compresses and reads what is compressed", async () => {
    const metadata = new grpc.Metadata();
    metadata.set("lever-url", "lever://dev.lever/svc/echo");
    const text = "text ".repeat(10_000);
    const reply = await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        "/core.LeverRPC/HandleRPC",
        leverMessages.rpc.serialize,
        leverMessages.reply.deserialize,
        toRpc([text]),
        metadata,
        (error, value) => (error === null ? resolve(value) : reject(error)),
      );
    });
    expect(JSON.stringify(reply)).toContain(text);
  });
});

describe("other forms of gRPC", () => {
  const types = [
    "application/grpc-web",
    "application/grpc-web-text+proto",
    "application/grpc+json",
  ];

  it.each([...types, "application/grpc"])("%s over HTTP/1.1 is refused with 415", async (type) => {
    const outgoing = httpRequest({
      port: gateway.port,
      method: "POST",
      path: "/core.LeverRPC/HandleRPC",
      headers: { host: "dev.lever", "content-type": type },
      agent: false,
    });
    outgoing.end(frame(Buffer.alloc(0), 0));
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    expect([answer.statusCode, answer.headers["content-type"]]).toEqual([
      415,
      "application/problem+json",
    ]);
    expect(String(await buffer(answer))).toContain("gRPC-Web is not");
  });

  it.each(types)("%s over HTTP/2 is refused with 415", async (type) => {
    const { headers } = await send(
      { ":authority": "dev.lever", "content-type": type },
      Buffer.alloc(5),
    );
    expect([headers[":status"], headers["content-type"]]).toEqual([
      415,
      "application/problem+json",
    ]);
  });
});
