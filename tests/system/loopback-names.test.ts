/** A call that names no environment, at a loopback name, means `dev.lever`: over every transport, and at no other name. */
import { once } from "node:events";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { fromJsonMessage, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = testService(
  "exports.hello = (name) => 'Hello, ' + name; exports.countChan = function* (stream) { yield 1; };",
  { name: "greeter" },
);
const json = { "content-type": "application/json" };

let lever: RunningLever;
let port: string;

beforeAll(async () => {
  lever = await startLever();
  [, port = ""] = lever.address.split(":");
  await deployService(lever, service);
});

afterAll(() => lever.stop());

const call = (host: string, headers: Readonly<Record<string, string>> = {}) =>
  httpCall(lever.address, "/greeter/hello", {
    headers: { ...json, host, ...headers },
    body: '["Ada"]',
  });

/** The result of a call over gRPC, or the code of the error. */
async function overGrpc(url: string, hostName: string): Promise<unknown> {
  const peer = grpcPeer(lever.address, { hostName });
  try {
    const { result } = await peer.unary(url, toRpc(["Ada"]));
    return fromJsonMessage(result);
  } catch (error) {
    return (error as { metadata?: { get(name: string): unknown[] } }).metadata?.get(
      "lever-code",
    )[0];
  } finally {
    peer.close();
  }
}

it.each(["localhost", "LocalHost:80", "127.0.0.1", "127.9.9.9:8080", "[::1]:8080"])(
  "a request with the host %s calls dev.lever",
  async (host) => {
    expect((await call(host)).json()).toBe("Hello, Ada");
    // A request that the fast path leaves to Node's server.
    expect((await call(host, { expect: "100-continue" })).json()).toBe("Hello, Ada");
  },
);

it.each(["localhost.example", "127.0.0.1.example", "127.0.0", "192.0.2.1", "[::2]", "host"])(
  "a request with the host %s names no environment",
  async (host) => {
    expect((await call(host)).json()).toMatchObject({ code: "unknown_environment" });
  },
);

it("a stream without an environment is of dev.lever, as events and as a WebSocket", async () => {
  const accept = "text/event-stream";
  const events = await httpCall(`localhost:${port}`, "/greeter/countChan", {
    method: "GET",
    headers: { accept, host: "localhost" },
  });
  expect(events.text).toContain("data: 1");
  const socket = new WebSocket(`ws://${lever.address}/greeter/countChan`);
  socket.on("open", () => socket.send("[]"));
  const [message] = (await once(socket, "message")) as [Buffer];
  expect(message.toString()).toBe("1");
  socket.terminate();
});

it("a call over gRPC without an environment is of dev.lever at a loopback name alone", async () => {
  expect(await overGrpc("/greeter/hello", "localhost:1")).toBe("Hello, Ada");
  expect(await overGrpc("lever://localhost:1/greeter/hello", "dev.lever")).toBe("Hello, Ada");
  expect(await overGrpc("/greeter/hello", "dev.lever")).toBe("malformed_request");
});

it("the Node client calls dev.lever by the URL of this machine", async () => {
  const url = `lever://${lever.address}/greeter/hello`;
  expect(await new Client().invokeURL(url, "Ada")).toBe("Hello, Ada");
});

describe("in an environment that lists its origins", () => {
  beforeAll(async () => {
    const admin = new Client({ forceHost: lever.address }).service("admin.lever", "admin");
    await admin.invoke("setCorsOrigins", "dev.lever", ["https://app.example"]);
  });

  it.each([
    ["another origin", { origin: "https://evil.example" }, "localhost"],
    ["another site", { "sec-fetch-site": "cross-site" }, "127.0.0.1"],
  ])("a page of %s cannot call it by a loopback name", async (_, headers, host) => {
    expect((await call(host, headers)).json()).toMatchObject({ code: "forbidden" });
  });
});
