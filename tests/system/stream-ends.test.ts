import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { adminOf, instancesOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { type GrpcPeer, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { type HttpAnswer, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const code = `
exports.silentChan = (stream) => { console.log("a secret of the service"); stream.write(1); };
exports.stubborn = (callback) => { console.log("a secret of the service"); };
`;
const ENVIRONMENT = "going.lever";
const lines = { "content-type": "application/json" };

let lever: RunningLever;
let peer: GrpcPeer;

/** How a stream has ended: what the caller sees of it. */
type End = Promise<string>;

/** Opens a stream in an environment, waits for its first message, and returns its end. */
const transports: Readonly<Record<string, (environment: string) => Promise<{ end: End }>>> = {
  WebSocket: async (environment) => {
    const socket = new WebSocket(`ws://${lever.address}${pathIn(environment)}`);
    await once(socket, "open");
    socket.send("[]");
    await once(socket, "message");
    return { end: once(socket, "close").then(([status, why]) => `${status} ${why}`) };
  },
  "lines of JSON": (environment) => overHttp(environment, {}),
  "server-sent events": (environment) => overHttp(environment, { accept: "text/event-stream" }),
  gRPC: async (environment) => {
    const stream = peer.stream(`lever://${environment}/svc/silentChan`);
    const end = new Promise<string>((resolve) => {
      stream.on("status", (status) => resolve(`${status.code} ${status.details}`));
    });
    stream.on("error", () => {});
    stream.write({ rpc: toRpc([]) });
    await once(stream, "data");
    stream.on("data", () => {});
    return { end };
  },
  "the Node client": async (environment) => {
    const client = new Client({ forceHost: lever.address });
    const stream = await client.service(environment, "svc").invokeChan("silentChan");
    const messages = stream[Symbol.asyncIterator]();
    await messages.next();
    return {
      end: messages.next().then(
        () => "ended",
        (error: { code: string; message: string }) => `${error.code} ${error.message}`,
      ),
    };
  },
};

const pathIn = (environment: string, method = "silentChan"): string =>
  `/svc/${method}?forceenv=${environment}`;

async function overHttp(
  environment: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ end: End }> {
  const outgoing = request(`http://${lever.address}${pathIn(environment)}`, {
    method: "POST",
    headers: { ...lines, ...headers },
  });
  outgoing.end("[]");
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  let text = "";
  response.setEncoding("utf8");
  await once(
    response.on("data", (chunk: string) => (text += chunk)),
    "data",
  );
  return { end: once(response, "end").then(() => text) };
}

/** Opens a stream over every transport. */
async function openAll(environment: string): Promise<Map<string, End>> {
  const ends = new Map<string, End>();
  for (const [name, open] of Object.entries(transports)) {
    ends.set(name, (await open(environment)).end);
  }
  return ends;
}

const deploy = async (environment: string): Promise<unknown> =>
  deployService(lever, testService(code, { name: "svc" }), environment);

beforeAll(async () => {
  lever = await startLever({
    args: ["--limit", "drainTimeoutMs=1000", "--limit", "deployDrainTimeoutMs=0"],
  });
  peer = grpcPeer(lever.address);
  await deploy("dev.lever");
  await adminOf(lever).invoke("createEnvironment", ENVIRONMENT);
  await deploy(ENVIRONMENT);
});

afterAll(async () => {
  peer.close();
  await lever.stop();
});

const codes: Readonly<Record<string, RegExp>> = {
  WebSocket: /^4503 Cannot continue the stream of svc: /,
  "lines of JSON": /^1\n\{"error":\{.*"code":"unavailable","call":"[^"]+"\}\}\n$/,
  "server-sent events": /event: problem\ndata: .*"code":"unavailable","call":"[^"]+"\}\n\n$/,
  gRPC: /^14 Cannot continue the stream of svc: /,
  "the Node client": /^unavailable Cannot continue the stream of svc: /,
};

/** The end of every stream, after `cause` has ended them. */
function itEndsAll(what: string, environment: string, cause: () => Promise<unknown>, why: string) {
  describe(what, () => {
    let ends: Map<string, string>;

    beforeAll(async () => {
      const opened = await openAll(environment);
      const caused = cause();
      ends = new Map();
      for (const [name, end] of opened) ends.set(name, await end);
      await caused;
    });

    it.each(Object.entries(codes))(`${what} ends a stream over %s as unavailable`, (name, end) => {
      expect(ends.get(name)).toMatch(end);
      expect(ends.get(name)).toContain(why);
      expect(ends.get(name)).not.toContain("secret");
    });
  });
}

itEndsAll("a deploy", "dev.lever", () => deploy("dev.lever"), "version 2 is live now.");
itEndsAll(
  "the removal of the environment",
  ENVIRONMENT,
  () => adminOf(lever).invoke("removeEnvironment", ENVIRONMENT, { force: true }),
  "the environment going.lever is removed.",
);

describe("the stop of the host", () => {
  let ends: Map<string, string>;
  let status = 0;
  let held: HttpAnswer;
  let refused: IncomingMessage;
  /** The answers of a host that stops to new connections. */
  let healthy: HttpAnswer;
  let ready: HttpAnswer;
  let call: HttpAnswer;

  beforeAll(async () => {
    // A stubborn call keeps the instance, and so the host, until it is killed.
    const stubborn = httpCall(lever.address, pathIn("dev.lever", "stubborn"), {
      headers: { ...lines, connection: "keep-alive" },
      body: "[]",
    });
    await eventually(async () => (await instancesOf(lever, "svc"))[0]?.callsInFlight === 1);
    const late = request(`http://${lever.address}${pathIn("dev.lever", "stubborn")}`, {
      method: "POST",
      headers: { ...lines, connection: "keep-alive", expect: "100-continue" },
    });
    late.flushHeaders();
    await once(late, "continue");
    const opened = await openAll("dev.lever");
    const stopped = lever.stop();
    ends = new Map();
    for (const [name, end] of opened) ends.set(name, await end);
    const path = pathIn("dev.lever", "stubborn");
    healthy = await httpCall(lever.address, "/-/healthy", { method: "GET" });
    ready = await httpCall(lever.address, "/-/ready", { method: "GET" });
    call = await httpCall(lever.address, path, { headers: lines, body: "[]" });
    late.end("[]");
    [refused] = (await once(late, "response")) as [IncomingMessage];
    refused.resume();
    held = await stubborn;
    status = await stopped;
  });

  it.each(Object.entries(codes))(
    "the stop of the host ends a stream over %s as unavailable",
    (name, end) => {
      expect(ends.get(name)).toMatch(end);
      expect(ends.get(name)).toContain("Lever is stopping.");
      expect(status).toBe(0);
    },
  );

  it("a call that the stop of the host cuts off is answered as unavailable", () => {
    expect(held.json()).toMatchObject({ status: 503, code: "unavailable" });
    expect(held.text).not.toContain("secret");
  });

  it("a host that stops works, and is not ready", () => {
    expect([healthy.status, ready.status]).toEqual([200, 503]);
    expect(ready.json()).toMatchObject({ detail: "Cannot take calls: Lever is stopping." });
  });

  it("a host that stops refuses calls on new connections as unavailable", () => {
    expect(call.json()).toMatchObject({ status: 503, code: "unavailable" });
  });

  it("answers of a host that stops close their connections", () => {
    expect([refused.statusCode, refused.headers["connection"]]).toEqual([503, "close"]);
    expect(held.headers["connection"]).toBe("close");
  });
});
