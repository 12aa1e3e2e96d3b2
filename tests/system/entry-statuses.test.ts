import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { type GrpcPeer, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { grpcProgram } from "../harness/grpc-program.ts";
import { callMethod, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

// A hook and a call of the resource "3 why" end with the gRPC status 3 and the message "why".
const program = grpcProgram(
  `
  HandleRPC(call, done) {
    const args = argumentsOf(call);
    const end = ([code, details]) => done({ code: Number(code), details });
    switch (method(call)) {
      case "status": return end(args);
      case "NewResource":
      case "CloseResource": {
        hooks.push(method(call) + " " + args[0]);
        const [, code, details] = /^(\\d+) (.*)$/.exec(args[0]) ?? [];
        return code === undefined ? done(null, { result: {} }) : end([code, details]);
      }
      case "hooks": return done(null, { result: text(hooks.join()) });
      case "resource": return done(null, { result: text("reached") });
      case "pid": return done(null, { result: text(process.pid) });
    }
  },
  HandleStreamingRPC(call) {
    call.write({});
    call.on("data", ({ rpc, message_oneof, ...rest }) => {
      if (message_oneof !== "rpc") call.write(rest);
      else if (method(call) === "statusChan") call.emit("error", { code: rpc.args.element[0].json_number, details: "why" });
    });
    call.on("end", () => call.end());
  },`,
  { setup: "const hooks = [];" },
);

// It serves HTTP/2, and not gRPC: the last segment of the URL says how it answers.
const notGrpc = `
require("node:http2").createServer().on("stream", (stream, headers) => {
  stream.on("error", () => {});
  const how = headers["lever-url"].split("/").pop();
  if (how === "reset") stream.close(2);
  else stream.respond({ ":status": 404 }, { endStream: true });
}).listen(process.env.LEVEROS_LISTEN_PORT, "127.0.0.1");
`;

let lever: RunningLever;
let client: Client;
let peer: GrpcPeer;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "resourceIdleTimeoutMs=100"] });
  client = new Client({ forceHost: lever.address });
  peer = grpcPeer(lever.address);
  const entry = [process.execPath, "server.cjs"];
  await deployService(
    lever,
    testService({ "server.cjs": program }, { name: "program", entry, maxInstances: 1 }),
  );
  await deployService(lever, testService({ "server.cjs": notGrpc }, { name: "not-grpc", entry }));
}, 60_000);

afterAll(async () => {
  peer?.close();
  await lever?.stop();
});

const service = () => client.service("dev.lever", "program");

const statuses = [
  [1, "cancelled", 499],
  [2, "unknown", 500],
  [3, "invalid_argument", 400],
  [5, "not_found", 404],
  [6, "already_exists", 409],
  [7, "permission_denied", 403],
  [8, "resource_exhausted", 429],
  [9, "failed_precondition", 400],
  [13, "internal", 500],
  [14, "unavailable", 503],
  [16, "unauthenticated", 401],
] as const;

describe("the gRPC status of a program", () => {
  it.each(statuses)(
    "the gRPC status %i is the problem %s over HTTP",
    async (grpcStatus, code, status) => {
      const answer = await callMethod(lever.address, "/program/status", [grpcStatus, "why"]);
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({
        "content-type": "application/problem+json",
        "lever-error": "method",
      });
      expect(answer.json()).toMatchObject({ status, code, detail: "why", grpcStatus });
    },
  );

  it.each(statuses)("the gRPC status %i is the same over gRPC", async (code) => {
    const call = peer.unary("lever://dev.lever/program/status", toRpc([code, "é why"]));
    await expect(call).rejects.toMatchObject({ code, details: "é why" });
  });

  it.each(statuses)(
    "the gRPC status %i is the error %s of the client",
    async (grpcStatus, code) => {
      const error = { name: "LeverError", code, grpcStatus, message: "why" };
      await expect(service().invoke("status", grpcStatus, "why")).rejects.toMatchObject(error);
    },
  );
});

describe("the gRPC status of a program's stream", () => {
  const url = "/program/statusChan?forceenv=dev.lever";

  it("a program's status is the error of a stream over the client", async () => {
    const stream = await service().invokeChan("statusChan", 5);
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "not_found",
      grpcStatus: 5,
    });
  });

  it("a program's status is the status of a stream over HTTP", async () => {
    const headers = { "content-type": "application/json" };
    const answer = await httpCall(lever.address, url, { headers, body: "[5]" });
    expect(answer.status).toBe(404);
    expect(answer.json()).toMatchObject({ code: "not_found", grpcStatus: 5 });
  });

  it("a program's status closes a WebSocket", async () => {
    const socket = new WebSocket(`ws://${lever.address}${url}`);
    socket.onopen = () => socket.send("[5]");
    const { code, reason } = await new Promise<CloseEvent>((resolve) => {
      socket.onclose = resolve;
    });
    expect([code, reason]).toEqual([4404, "why"]);
  });

  it("a program's status is the status of a stream over gRPC", async () => {
    const stream = peer.stream("lever://dev.lever/program/statusChan");
    stream.write({ rpc: toRpc([5]) });
    stream.resume();
    const error = await new Promise((resolve) => stream.once("error", resolve));
    expect(error).toMatchObject({ code: 5, details: "why" });
  });
});

it("lever invoke shows a program's status as the failure of the method", async () => {
  const run = await lever.lever(["invoke", "/program/status", "5", '"why"']);
  expect(run).toMatchObject({ status: 1, stderr: expect.stringContaining("why (not_found)") });
});

it.each([
  ["/not-grpc/reset", "internal", 500],
  ["/not-grpc/http", "unknown", 500],
])("a program that ends %s without a gRPC status fails as %s", async (path, code, status) => {
  const answer = await callMethod(lever.address, path, []);
  expect(answer.json()).toMatchObject({ status, code });
});

describe("a program with an open stream whose other callers name resources", () => {
  let pid: unknown;
  let stream: RemoteStream;
  const use = (resource: string): Promise<unknown> =>
    client.resource("dev.lever", "program", resource).invoke("resource");

  beforeAll(async () => {
    pid = await service().invoke("pid");
    stream = await service().invokeChan("echoChan");
  });

  it.each(["12 ", "2 Method not found", "2 Invalid method", "fine"])(
    "the call of a resource goes on when NewResource is answered with %j",
    async (resource) => {
      expect(await use(resource)).toBe("reached");
    },
  );

  it.each(statuses)(
    "the call of a resource fails when NewResource ends with gRPC status %i",
    async (grpcStatus, code) => {
      await expect(use(`${grpcStatus} why`)).rejects.toMatchObject({
        code,
        grpcStatus,
        message: `Cannot use the resource ${grpcStatus} why: newResource failed: why`,
      });
    },
  );

  it("a refused resource has the program's gRPC status over gRPC", async () => {
    const call = peer.unary("lever://dev.lever/program/6 why/resource", toRpc([]));
    await expect(call).rejects.toMatchObject({ code: 6 });
  });

  it("a stream goes on after all of these answers", async () => {
    // The resources close when they are idle.
    await eventually(async () => {
      const hooks = String(await service().invoke("hooks"));
      return ["12 ", "2 Method not found", "2 Invalid method", "fine"].every((resource) =>
        hooks.includes(`CloseResource ${resource}`),
      );
    });
    stream.write("still here");
    expect(await stream[Symbol.asyncIterator]().next()).toEqual({
      done: false,
      value: "still here",
    });
    expect(await service().invoke("pid")).toBe(pid);
    stream.end();
  });
});

it("a program's stream goes on while another caller cancels 1,500 calls", async () => {
  const stream = await service().invokeChan("echoChan");
  const cancelOne = async (): Promise<void> => {
    const other = await service().invokeChan("echoChan");
    other.write("it has begun");
    await other[Symbol.asyncIterator]().next();
    other.cancel();
  };
  for (let round = 0; round < 30; round++) {
    await Promise.all(Array.from({ length: 50 }, cancelOne));
  }
  stream.write("still here");
  expect(await stream[Symbol.asyncIterator]().next()).toEqual({ done: false, value: "still here" });
  stream.end();
});
