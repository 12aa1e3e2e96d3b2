import { join } from "node:path";
import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { archiveOf, serviceArchive } from "../harness/archive.ts";
import { leverProto } from "../harness/grpc-peer.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const root = join(import.meta.dirname, "../..");
const module = (name: string): string => JSON.stringify(join(root, "node_modules", name));

// A program on plain @grpc/grpc-js that shares no code with Lever.
const program = `
const grpc = require(${module("@grpc/grpc-js")});
const protobuf = require(${module("protobufjs")});
const root = protobuf.parse(${JSON.stringify(leverProto)}, { keepCase: true }).root;
const codec = (name) => { const type = root.lookupType("core." + name); return {
  serialize: (value) => Buffer.from(type.encode(type.fromObject(value)).finish()),
  deserialize: (bytes) => type.toObject(type.decode(bytes), { bytes: Buffer, oneofs: true }) }; };
const [rpc, reply, message] = ["RPC", "RPCReply", "StreamMessage"].map(codec);
const unary = { path: "/core.LeverRPC/HandleRPC", requestStream: false, responseStream: false,
  requestSerialize: rpc.serialize, requestDeserialize: rpc.deserialize, responseSerialize: reply.serialize, responseDeserialize: reply.deserialize };
const stream = { path: "/core.LeverRPC/HandleStreamingRPC", requestStream: true, responseStream: true,
  requestSerialize: message.serialize, requestDeserialize: message.deserialize, responseSerialize: message.serialize, responseDeserialize: message.deserialize };
const text = (value) => ({ json_string: String(value) });
const left = [];
const hooks = [];
const method = (call) => call.metadata.get("lever-url")[0].split("/").pop();
const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
server.addService({ HandleRPC: unary, HandleStreamingRPC: stream }, {
  HandleRPC(call, done) {
    const first = call.request.args?.element?.[0];
    switch (method(call)) {
      case "echo": return done(null, call.request.byte_args ? { byte_result: call.request.byte_args } : { result: first ?? {} });
      case "metadata": return done(null, { result: text(JSON.stringify({ url: call.metadata.get("lever-url")[0], from: call.metadata.get("x-lever-src-env"), gateway: call.metadata.get("x-lever-internal-rpc-gateway")[0] === process.env.LEVEROS_INTERNAL_RPC_GATEWAY, timed: call.getDeadline() < Date.now() + 1e6 })) });
      case "NewResource":
      case "CloseResource":
        if (first.json_string === "bad") return done(null, { error: text("no") });
        hooks.push(method(call) + " " + first.json_string);
        return done(null, { result: {} });
      case "hooks": return done(null, { result: text(hooks.join()) });
      case "epoch": return done(null, { result: text(call.metadata.get("x-lever-resource-epoch")) });
      case "fail": return done(null, { error: { json_number: 42 } });
      case "status": return done({ code: grpc.status.INTERNAL, details: "by itself" });
      case "never": call.on("cancelled", () => left.push("never")); return;
      case "left": return done(null, { result: text(left.join()) });
      case "port": return done(null, { result: text(process.env.LEVEROS_LISTEN_PORT) });
      case "exit": console.log("leaving"); process.exit(9);
      case "call": {
        const client = new grpc.Client(process.env.LEVEROS_INTERNAL_RPC_GATEWAY, grpc.credentials.createInsecure());
        const metadata = new grpc.Metadata();
        metadata.set("lever-url", first.json_string);
        metadata.set("x-lever-src-env", "admin.lever");
        return client.makeUnaryRequest(unary.path, rpc.serialize, reply.deserialize, { args: {} }, metadata,
          (error, answer) => done(null, { result: text(error ? error.metadata.get("lever-code")[0] : answer.result.json_string) }));
      }
      default: return done({ code: grpc.status.UNIMPLEMENTED, details: "There is no method " + method(call) + "." });
    }
  },
  HandleStreamingRPC(call) {
    call.write({});
    call.on("cancelled", () => left.push("stream"));
    call.on("data", ({ rpc, message_oneof, ...rest }) => { if (message_oneof !== "rpc") call.write(rest); else if (method(call) === "failChan") { call.write({ error: { json_string: "no" } }); call.end(); } });
    call.on("end", () => call.end());
  },
});
server.bindAsync("127.0.0.1:" + process.env.LEVEROS_LISTEN_PORT, grpc.ServerCredentials.createInsecure(), (error) => { if (error) throw error; });
`;

let lever: RunningLever;
let client: Client;

async function deploy(leverJson: object, files: Record<string, string>): Promise<unknown> {
  const archive = serviceArchive({ "lever.json": JSON.stringify(leverJson), ...files });
  return (await deployArchive(lever.address, archive)).json();
}

beforeAll(async () => {
  lever = await startLever({
    args: ["--limit", "startTimeoutMs=3000", "--limit", "resourceIdleTimeoutMs=200"],
  });
  client = new Client({ forceHost: lever.address });
  const entry = [process.execPath, "server.cjs"];
  const deployed = await deploy({ name: "program", entry }, { "server.cjs": program });
  expect(deployed).toMatchObject({ service: "program", version: 1, methods: [] });
  const secret = "exports.secret = () => 'the secret';";
  await deploy({ name: "vault", jsEntry: "server.js", private: true }, { "server.js": secret });
}, 60_000);

afterAll(() => lever.stop());

const call = (method: string, args: unknown[] = []): Promise<unknown> =>
  client.service("dev.lever", "program").invoke(method, ...args);

async function all(stream: RemoteStream): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

describe("a program that serves the gRPC wire", () => {
  it.each([null, true, 1.5, "é", [1, [null]], { a: { b: [] } }])(
    "gets and gives %j",
    async (value) => {
      expect(await call("echo", [value])).toEqual(value);
    },
  );

  it("gets and gives bytes up to the limit", async () => {
    for (const size of [0, 1, 4 * 1024 * 1024]) {
      const bytes = Buffer.alloc(size, "0123456789");
      expect(bytes.equals((await call("echo", [bytes])) as Buffer)).toBe(true);
    }
  });

  it("is told the whole URL, the deadline, and where to call others", async () => {
    const told = JSON.parse(
      (await client
        .with({ timeoutMs: 5_000 })
        .resource("dev.lever", "program", "a/ä")
        .invoke("metadata")) as string,
    ) as unknown;
    expect(told).toEqual({
      url: "lever://dev.lever/program/a/%C3%A4/metadata",
      from: [],
      gateway: true,
      timed: true,
    });
  });

  it("has each resource opened by a call of NewResource before its first call, and closed after it", async () => {
    const resource = client.resource("dev.lever", "program", "room");
    const epoch = Number(await resource.invoke("epoch"));
    expect(epoch).toBeGreaterThan(0);
    expect(await resource.invoke("epoch")).toBe(String(epoch));
    expect(await call("hooks")).toMatch(/(^|,)NewResource room$/);
    while (!String(await call("hooks")).endsWith(",CloseResource room"));
    expect(Number(await resource.invoke("epoch"))).toBeGreaterThan(epoch);
    const bad = client.resource("dev.lever", "program", "bad");
    await expect(bad.invoke("epoch")).rejects.toMatchObject({
      code: "resource_failed",
      message: "Cannot use the resource bad: newResource failed: no",
    });
  });

  it("fails calls by values, and by statuses of its own", async () => {
    await expect(call("fail")).rejects.toMatchObject({ code: "method_failed", value: 42 });
    await expect(call("status")).rejects.toMatchObject({
      code: "instance_failed",
      message:
        "The service's program failed the call: it responded with gRPC status 13: by itself.",
    });
    await expect(call("nothing")).rejects.toMatchObject({ code: "unknown_method" });
    for (const method of ["_hidden", "newResource"]) {
      await expect(call(method)).rejects.toMatchObject({ code: "unknown_method" });
    }
  });

  it("hears that its caller's time is over", async () => {
    await expect(
      client.with({ timeoutMs: 100 }).invokeURL("lever://dev.lever/program/never"),
    ).rejects.toMatchObject({ code: "deadline_exceeded" });
    while ((await call("left")) !== "never");
  });

  it("streams both ways, and half-closes", async () => {
    const stream = await client.service("dev.lever", "program").invokeChan("echoChan", "x");
    const back = all(stream);
    const sent: unknown[] = [];
    for (let i = 0; i < 5_000; i++) {
      sent.push(i % 10 === 0 ? Buffer.from(String(i)) : { i });
      if (!stream.write(sent[i])) await stream.drained();
    }
    stream.end();
    expect(await back).toEqual(sent);
    const failing = await client.service("dev.lever", "program").invokeChan("failChan");
    await expect(all(failing)).rejects.toMatchObject({ code: "method_failed", value: "no" });
  });

  it("calls others as who it is, whatever it claims", async () => {
    expect(await call("call", ["/vault/secret"])).toBe("the secret");
    expect(await call("call", ["lever://dev.lever/vault/nothing"])).toBe("unknown_method");
    expect(await call("call", ["lever://admin.lever/admin/listServices"])).toBe("forbidden");
  });

  it("is started anew when it has exited, and says how it went", async () => {
    const port = await call("port");
    const answer = await callMethod(lever.address, "/program/exit", []);
    expect(answer.status).toBe(502);
    expect((answer.json() as { detail: string }).detail).toMatch(
      /exited with status 9\.[\s\S]*leaving$/,
    );
    expect(await call("port")).not.toBe(port);
  });
});

describe("a program that cannot be a service is refused:", () => {
  const starting = "Cannot start bad version 1: ";

  it.each([
    [
      ["./missing"],
      'lever.json: field entry is "./missing"; there is no such file in the service folder.',
    ],
    [
      ["./server.cjs"],
      'lever.json: field entry is "./server.cjs"; allowed is a file that may be executed (chmod +x).',
    ],
    [
      ["no-such-program"],
      `${starting}Its entry failed: no-such-program cannot be started (spawn no-such-program ENOENT).`,
    ],
    [
      ["sh", "-c", "echo why; exit 3"],
      `${starting}Its entry failed: sh exited with status 3 before it listened on its port. Its last output:\nwhy`,
    ],
    [["sleep", "60"], `${starting}It was still loading after 3000 ms.`],
  ])("%j", async (entry, message) => {
    expect(await deploy({ name: "bad", entry }, { "server.cjs": "" })).toBe(message);
  });

  it("without a lever.json entry, ./serve is expected", async () => {
    const archive = archiveOf([{ path: "lever.json", body: '{"name": "bad"}' }]);
    expect((await deployArchive(lever.address, archive)).json()).toBe(
      'lever.json: field entry is "./serve"; there is no such file in the service folder.',
    );
  });
});

describe("the Python example", { tags: ["needs-python"] }, () => {
  beforeAll(async () => {
    for (const example of ["hello-python", "hello"]) {
      const { status, stderr } = await lever.lever(["deploy", join(root, "examples", example)]);
      expect(status, stderr).toBe(0);
    }
  }, 60_000);

  it("answers, in JSON and in bytes, and fails by values", async () => {
    const python = client.service("dev.lever", "helloPython");
    expect(await python.invoke("sayHello", "world")).toBe("Hello, world, from Python!");
    expect(await python.invoke("reverse", Buffer.from("abc"))).toEqual(Buffer.from("cba"));
    await expect(python.invoke("sayHello", 5)).rejects.toMatchObject({
      code: "method_failed",
      value: 'Cannot say hello: the name is not a string. Try "world".',
    });
    await expect(python.invoke("nothing")).rejects.toMatchObject({ code: "unknown_method" });
  });

  it("streams, and calls another service", async () => {
    const python = client.service("dev.lever", "helloPython");
    const stream = await python.invokeChan("echoChan", "hi", { a: [1.5, null] });
    for (const message of [1, "two", Buffer.from([3])]) stream.write(message);
    stream.end();
    expect(await all(stream)).toEqual([["hi", { a: [1.5, null] }], 1, "two", Buffer.from([3])]);
    expect(await python.invoke("greetBy", "helloService", "Ada")).toBe("Hello, Ada!");
  });
});
