import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { privateBytes } from "../../packages/host/src/launcher/process/process-memory.ts";
import { adminOf, instancesOf } from "../harness/admin.ts";
import { archiveOf } from "../harness/archive.ts";
import { eventually } from "../harness/eventually.ts";
import { fromJsonMessage, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { grpcProgram } from "../harness/grpc-program.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const root = join(import.meta.dirname, "../..");
const program = grpcProgram(
  `
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
      case "never": call.on("cancelled", () => left.push("never")); return;
      case "left": return done(null, { result: text(left.join()) });
      case "pid": return done(null, { result: { json_number: process.pid } });
      case "options": return done(null, { result: text(process.env.NODE_OPTIONS) });
      case "port": return done(null, { result: text(process.env.LEVEROS_LISTEN_PORT) });
      case "traceparent": return done(null, { result: text(call.metadata.get("traceparent")[0]) });
      case "exit": console.log("leaving"); process.exit(9);
      case "call": {
        const client = new grpc.Client(process.env.LEVEROS_INTERNAL_RPC_GATEWAY, grpc.credentials.createInsecure());
        const metadata = new grpc.Metadata();
        metadata.set("lever-url", first.json_string);
        metadata.set("x-lever-src-env", "admin.lever");
        metadata.set("traceparent", call.metadata.get("traceparent")[0]);
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
`,
  { setup: "const left = []; const hooks = [];" },
);

let lever: RunningLever;
let client: Client;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "resourceIdleTimeoutMs=200"] });
  client = new Client({ forceHost: lever.address });
  const entry = [process.execPath, "server.cjs"];
  const deployed = await deployService(
    lever,
    testService({ "server.cjs": program }, { name: "program", entry }),
  );
  expect(deployed).toMatchObject({ service: "program", version: 1, methods: [] });
  const one = { name: "narrow", entry, maxInstances: 1, maxInstanceLoad: 1 };
  await deployService(lever, testService({ "server.cjs": program }, one));
  const secret = "exports.secret = () => 'the secret';";
  await deployService(lever, testService(secret, { name: "vault", private: true }));
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
    "a program receives and returns %j",
    async (value) => {
      expect(await call("echo", [value])).toEqual(value);
    },
  );

  it("a program receives and returns bytes up to the limit", async () => {
    for (const size of [0, 1, 4 * 1024 * 1024]) {
      const bytes = Buffer.alloc(size, "0123456789");
      expect(bytes.equals((await call("echo", [bytes])) as Buffer)).toBe(true);
    }
  });

  it("a trace goes on from a gRPC client through a program and its own calls", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const metadata = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const peer = grpcPeer(lever.address, { metadata });
    const inner = toRpc(["lever://dev.lever/program/traceparent"]);
    const answer = await peer.unary("lever://dev.lever/program/call", inner);
    peer.close();
    expect(fromJsonMessage(answer["result"])).toMatch(
      new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`),
    );
    const { calls } = await adminOf(lever).invoke("getTrace", "dev.lever", traceId);
    const [first] = calls;
    expect(calls).toMatchObject([
      { service: "program", method: "call" },
      { service: "program", method: "traceparent", caller: "program", parent: first?.id },
    ]);
  });

  it("a program gets the URL, the deadline and the address for its own calls", async () => {
    const metadata = JSON.parse(
      (await client
        .with({ timeoutMs: 5_000 })
        .resource("dev.lever", "program", "a/ä")
        .invoke("metadata")) as string,
    ) as unknown;
    expect(metadata).toEqual({
      url: "lever://dev.lever/program/a/%C3%A4/metadata",
      from: [],
      gateway: true,
      timed: true,
    });
  });

  describe("with a resource", () => {
    const epochOf = async (name: string): Promise<number> =>
      Number(await client.resource("dev.lever", "program", name).invoke("epoch"));
    let epochs: number[];
    let hooks: unknown;

    // At once: the resource closes when it is idle for 200 ms.
    beforeAll(async () => {
      epochs = [await epochOf("room"), await epochOf("room")];
      hooks = await call("hooks");
    });

    it("a program gets the epoch of a resource with each call", () => {
      expect(epochs[0]).toBeGreaterThan(0);
      expect(epochs[1]).toBe(epochs[0]);
    });

    it("a program gets NewResource before the first call of a resource", () => {
      // The resource of the test before this one may have closed meanwhile.
      expect(hooks).toMatch(/(^|,)NewResource room(,CloseResource a\/ä)?$/);
    });

    it("a program gets CloseResource when a resource is idle", async () => {
      await eventually(async () => String(await call("hooks")).endsWith(",CloseResource room"));
      expect(await epochOf("room")).toBeGreaterThan(epochs[0] ?? Number.NaN);
    });

    it("calls of a resource that a program refuses fail with its reason", async () => {
      await expect(epochOf("bad")).rejects.toMatchObject({
        code: "resource_failed",
        message: "Cannot use the resource bad: newResource failed: no",
      });
    });
  });

  it("a program in Node gets sizes of its heap that fit its ram", async () => {
    expect(await call("options")).toMatch(/^--max-old-space-size=76 --max-semi-space-size=8( |$)/);
  });

  it("Lever's own process beside a program is not part of the memory of its instance", async () => {
    const narrow = client.service("dev.lever", "narrow");
    const pid = Number(await narrow.invoke("pid"));
    // Two readings of the memory of a program at rest.
    await eventually(async () => {
      const [instance] = await instancesOf(lever, "narrow");
      const both = privateBytes(pid) + privateBytes(instance?.pid ?? 0);
      return instance !== undefined && instance.memoryBytes < (privateBytes(pid) + both) / 2;
    });
  });

  it("a program can fail a call with a value", async () => {
    await expect(call("fail")).rejects.toMatchObject({ code: "method_failed", value: 42 });
  });

  it.each(["nothing", "_hidden", "newResource"])("a program has no method %s", async (method) => {
    await expect(call(method)).rejects.toMatchObject({ code: "unknown_method" });
  });

  it("a program learns that its caller's deadline has passed", async () => {
    await expect(
      client.with({ timeoutMs: 100 }).invokeURL("lever://dev.lever/program/never"),
    ).rejects.toMatchObject({ code: "deadline_exceeded" });
    await eventually(async () => (await call("left")) === "never");
  });

  it("a program echoes 5,000 messages of a stream that its caller half-closes", async () => {
    const stream = await client.service("dev.lever", "program").invokeChan("echoChan", "x");
    const back = all(stream);
    const sent: unknown[] = [];
    for (let i = 0; i < 5_000; i++) {
      sent.push(i % 10 === 0 ? Buffer.from(String(i)) : { i });
      if (!stream.write(sent[i])) await stream.drained();
    }
    stream.end();
    expect(await back).toEqual(sent);
  });

  it("a program can fail a stream with a value", async () => {
    const failing = await client.service("dev.lever", "program").invokeChan("failChan");
    await expect(all(failing)).rejects.toMatchObject({ code: "method_failed", value: "no" });
  });

  it("a program calls private services of its environment", async () => {
    expect(await call("call", ["/vault/secret"])).toBe("the secret");
    expect(await call("call", ["lever://dev.lever/vault/nothing"])).toBe("unknown_method");
  });

  it("a program with one place calls itself in the course of a call that has it", async () => {
    const narrow = client.service("dev.lever", "narrow");
    expect(await narrow.invoke("call", "/narrow/hooks")).toBe("");
  });

  it("a program that claims to be of admin.lever may call nothing there", async () => {
    expect(await call("call", ["lever://admin.lever/admin/listServices"])).toBe("forbidden");
  });

  describe("that exits", () => {
    let portBefore: unknown;
    let answer: Awaited<ReturnType<typeof callMethod>>;

    beforeAll(async () => {
      portBefore = await call("port");
      answer = await callMethod(lever.address, "/program/exit", []);
    });

    it("a call whose program exits fails with its status and last output", () => {
      expect(answer.status).toBe(502);
      expect((answer.json() as { detail: string }).detail).toMatch(
        /exited with status 9\.[\s\S]*leaving$/,
      );
    });

    it("a program that exited is started again", async () => {
      expect(await call("port")).not.toBe(portBefore);
    });
  });
});

describe("a program that cannot be a service", () => {
  const starting = "Cannot start bad version 1: ";
  const place = "127.0.0.1:PORT, the port in LEVEROS_LISTEN_PORT";
  let impatient: RunningLever;

  beforeAll(async () => {
    impatient = await startLever({ args: ["--limit", "startTimeoutMs=4500"] });
  });
  afterAll(() => impatient.stop());

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
      `${starting}Its entry failed: sh exited with status 3 before it listened on ${place}. Its last output:\nwhy`,
    ],
    [
      ["sleep", "60"],
      `${starting}It was still loading after 4500 ms: sleep does not listen on ${place}.`,
    ],
    [
      [process.execPath, "elsewhere.js", "0"],
      `${starting}It was still loading after 4500 ms: ${process.execPath} does not listen on ${place}, but on 127.0.0.1:PORT.`,
    ],
    [
      ["sh", "-c", "node elsewhere.js 3837; exit 3"],
      `${starting}Its entry failed: sh does not listen on ${place}, but on 127.0.0.1:PORT. A program that can listen only on port 3837, as those of Lever OS, needs a host with containers: lever up --isolation oci (lever doctor lists what that needs). Otherwise the program must read its port from LEVEROS_LISTEN_PORT.`,
    ],
  ])("the entry %j is refused with the reason", async (entry, message) => {
    const elsewhere = `require("node:net").createServer().listen(process.argv[2], "127.0.0.1");`;
    const files = { "server.cjs": "", "elsewhere.js": elsewhere };
    const answer = await deployArchive(
      impatient.address,
      testService(files, { name: "bad", entry }),
    );
    const reason = String(answer.json()).replaceAll(/127.0.0.1:\d+/g, "127.0.0.1:PORT");
    // An instance that has started has a log.
    const log = /\nIts log: lever logs bad --instance bad-\d-[0-9a-f]{8}$/;
    expect(log.test(reason)).toBe(message.startsWith(starting));
    // Each deploy that fails has a number of its own.
    const numbered = reason.replace(/^(Cannot start bad version) \d:/, "$1 1:");
    expect(numbered.replace(log, "")).toBe(message);
  });

  it("a program that exits while port 3837 is in use is refused with what it needs", async () => {
    const server = createServer().listen(3837, "127.0.0.1");
    // In use by another program is as good.
    await once(server, "listening").catch(() => {});
    const archive = testService("", { name: "bad", entry: ["false"] });
    const answer = await deployArchive(impatient.address, archive);
    server.close();
    expect(answer.json()).toMatch(
      / Port 3837 of this machine is in use\. .* needs a host with containers: /,
    );
  });

  it("a lever.json without an entry needs a program ./serve", async () => {
    const archive = archiveOf([{ path: "lever.json", body: '{"name": "bad"}' }]);
    expect((await deployArchive(impatient.address, archive)).json()).toBe(
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

  const python = () => client.service("dev.lever", "helloPython");

  it("the Python example answers with JSON", async () => {
    expect(await python().invoke("sayHello", "world")).toBe("Hello, world, from Python!");
  });

  it("the Python example answers with bytes", async () => {
    expect(await python().invoke("reverse", Buffer.from("abc"))).toEqual(Buffer.from("cba"));
  });

  it("the Python example fails with a value", async () => {
    await expect(python().invoke("sayHello", 5)).rejects.toMatchObject({
      code: "method_failed",
      value: 'Cannot say hello: the name is not a string. Try "world".',
    });
  });

  it("the Python example has no method that it does not declare", async () => {
    await expect(python().invoke("nothing")).rejects.toMatchObject({ code: "unknown_method" });
  });

  it("the Python example echoes a stream of JSON and bytes", async () => {
    const stream = await python().invokeChan("echoChan", "hi", { a: [1.5, null] });
    for (const message of [1, "two", Buffer.from([3])]) stream.write(message);
    stream.end();
    expect(await all(stream)).toEqual([["hi", { a: [1.5, null] }], 1, "two", Buffer.from([3])]);
  });

  it("the Python example's streams go on when another caller names a very long resource", async () => {
    const stream = await python().invokeChan("echoChan", "hi");
    const messages = stream[Symbol.asyncIterator]();
    await messages.next();
    const nothing = (length: number): Promise<unknown> =>
      client.resource("dev.lever", "helloPython", "a".repeat(length)).invoke("nothing");
    await expect(nothing(7_000)).rejects.toMatchObject({ code: "unknown_method" });
    await expect(nothing(15_000)).rejects.toMatchObject({
      code: "headers_too_large",
      message: expect.stringContaining("a program can receive 7168. Name a shorter resource."),
    });
    stream.write("still here");
    expect((await messages.next()).value).toBe("still here");
    stream.end();
  });

  it("the Python example calls another service", async () => {
    expect(await python().invoke("greetBy", "helloService", "Ada")).toBe("Hello, Ada!");
  });
});
