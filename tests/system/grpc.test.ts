import { randomBytes } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  fromJsonMessage,
  type GrpcPeer,
  grpcPeer,
  toJsonMessage,
  toRpc,
} from "../harness/grpc-peer.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = `
exports.echo = (value) => value;
exports.swap = (bytes) => Buffer.from(bytes).reverse();
exports.fail = () => { throw { code: 42 }; };
exports.failBytes = () => { throw Buffer.from([1, 2]); };
exports.never = (callback) => {};
exports.echoChan = async (stream, ...args) => {
  if (args.length > 0) stream.write(args);
  for await (const message of stream) stream.write(message);
};
exports.failChan = async (stream) => { stream.write("one"); throw { code: 7 }; };
`;

let lever: RunningLever;
let peer: GrpcPeer;
const url = (method: string): string => `lever://dev.lever/wire/${method}`;

beforeAll(async () => {
  lever = await startLever();
  await deployService(lever, testService(service, { name: "wire" }));
  peer = grpcPeer(lever.address);
});

afterAll(async () => {
  peer.close();
  await lever.stop();
});

interface Drained {
  readonly messages: Record<string, unknown>[];
  readonly code: number;
  /** Lever's own code, if it refused. */
  readonly refusal: unknown;
}

/** All messages of a stream, and the status with which it ends. */
function drain(stream: ReturnType<GrpcPeer["stream"]>): Promise<Drained> {
  const messages: Record<string, unknown>[] = [];
  stream.on("data", (message: Record<string, unknown>) => messages.push(message));
  stream.on("error", () => {});
  return new Promise((resolve) => {
    stream.on("status", ({ code, metadata }) => {
      resolve({ messages, code, refusal: metadata.get("lever-code")[0] });
    });
  });
}

describe("a gRPC client that shares no code with Lever", () => {
  const values: unknown[] = [
    null,
    true,
    false,
    0,
    -1.5,
    1e308,
    2 ** 53,
    "",
    "é\u{1F600}\0",
    [],
    [null, [1, ["x"]]],
    {},
    { a: { "": [] }, __proto: 1 },
  ];

  it.each(values.map((value) => [JSON.stringify(value), value]))(
    "a gRPC client sends and receives %s",
    async (_text, value) => {
      const answer = await peer.unary(url("echo"), toRpc([value]));
      expect(answer).not.toHaveProperty("error");
      expect(fromJsonMessage(answer["result"])).toEqual(value);
    },
  );

  it.each([0, 1, 100_000, 4 * 1024 * 1024])(
    "a gRPC client sends and receives %i bytes",
    async (size) => {
      const bytes = Buffer.alloc(size, "0123456789");
      const answer = await peer.unary(url("swap"), toRpc([bytes]));
      expect((answer["byte_result"] as Buffer).equals(Buffer.from(bytes).reverse())).toBe(true);
    },
  );

  it("a gRPC client gets a method's error as a value, with status OK", async () => {
    expect(fromJsonMessage((await peer.unary(url("fail"), toRpc([])))["error"])).toEqual({
      code: 42,
    });
  });

  it("a gRPC client gets a method's error of bytes as bytes", async () => {
    expect((await peer.unary(url("failBytes"), toRpc([])))["byte_error"]).toEqual(
      Buffer.from([1, 2]),
    );
  });

  it.each([
    ["lever://no.lever/wire/echo", status.NOT_FOUND, "There is no environment no.lever."],
    ["lever://dev.lever/nobody/echo", status.NOT_FOUND, "There is no service nobody in dev.lever."],
    [url("nothing"), status.NOT_FOUND, "The service wire has no method nothing."],
    [
      url("echoChan"),
      status.INVALID_ARGUMENT,
      "echoChan is a streaming method, and was called as a regular one.",
    ],
  ])("a gRPC call of %s fails with its status", async (target, code, details) => {
    await expect(peer.unary(target, toRpc([]))).rejects.toMatchObject({ code, details });
  });

  it("a gRPC call without an environment fails where the host name is not of loopback", async () => {
    const named = grpcPeer(lever.address, { hostName: "lever.example" });
    await expect(named.unary("/wire/echo", toRpc([]))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: "Cannot read the gRPC call: its lever-url names no environment.",
    });
    named.close();
  });

  it("a gRPC call fails at its deadline", async () => {
    const deadline = Date.now() + 200;
    await expect(peer.unary(url("never"), toRpc([]), { deadline })).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
  });

  it("a gRPC stream carries JSON and bytes both ways until it is half-closed", async () => {
    const stream = peer.stream(url("echoChan"));
    stream.write({ rpc: toRpc(["first", 2]) });
    stream.write({ message: toJsonMessage({ a: 1 }) });
    stream.write({ byte_message: Buffer.from([0, 255]) });
    stream.end();
    const { messages, code } = await drain(stream);
    expect(code).toBe(status.OK);
    expect(messages[0]).toEqual({});
    expect(messages.slice(1, 3).map(({ message }) => fromJsonMessage(message))).toEqual([
      ["first", 2],
      { a: 1 },
    ]);
    expect(messages[3]).toEqual({ byte_message: Buffer.from([0, 255]) });
  });

  it("a gRPC stream ends with its error after its messages", async () => {
    const stream = peer.stream(url("failChan"));
    stream.write({ rpc: toRpc([]) });
    const { messages, code } = await drain(stream);
    expect(code).toBe(status.OK);
    expect(
      messages.slice(1).map(({ message, error }) => fromJsonMessage(message ?? error)),
    ).toEqual(["one", { code: 7 }]);
    expect(messages.at(-1)).toHaveProperty("error");
  });

  it.each([
    ["whose first message is no rpc", [{ message: toJsonMessage(1) }]],
    ["with a second rpc", [{ rpc: toRpc([]) }, { rpc: toRpc([]) }]],
    ["without a message", []],
  ])("a gRPC stream %s is refused", async (_name, sent) => {
    const stream = peer.stream(url("echoChan"));
    for (const message of sent) stream.write(message);
    if (sent.length === 0) stream.end();
    const { code, refusal } = await drain(stream);
    expect([code, refusal]).toEqual([status.INVALID_ARGUMENT, "malformed_request"]);
  });

  it("a deploy over gRPC in messages of 32 KiB succeeds without a message", async () => {
    const archive = testService(
      { "server.js": "exports.one = () => 1;", padding: randomBytes(100_000).toString("base64") },
      { name: "byGrpc" },
    );
    const stream = peer.stream("lever://admin.lever/admin/DeployServiceChan");
    stream.write({ rpc: toRpc(["dev.lever"]) });
    for (let at = 0; at < archive.length; at += 32 * 1024) {
      stream.write({ byte_message: archive.subarray(at, at + 32 * 1024) });
    }
    stream.end();
    const { messages, code } = await drain(stream);
    expect([code, messages]).toEqual([status.OK, [{}]]);
    const answer = await peer.unary("lever://dev.lever/byGrpc/one", toRpc([]));
    expect(fromJsonMessage(answer["result"])).toBe(1);
  });

  it("a deploy over gRPC that fails ends with the reason", async () => {
    const stream = peer.stream("lever://admin.lever/admin/DeployServiceChan");
    stream.write({ rpc: toRpc(["dev.lever"]) });
    stream.write({ byte_message: Buffer.from("no archive") });
    stream.end();
    const { messages, code } = await drain(stream);
    expect(code).toBe(status.OK);
    expect(fromJsonMessage(messages.at(-1)?.["error"])).toBe(
      "Cannot unpack the archive: it is not compressed with gzip or zstd.",
    );
  });
});
