import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployWorkerServices, portOf, post } from "../harness/worker-service.ts";

/** Good and bad requests. Each is sent as it is, on a connection of its own, until that is closed. */
const requests: readonly (readonly [name: string, request: string])[] = [
  ...(
    [
      ["a call", "/svc/echo", '["é"]'],
      ["a call with a resource", "/svc/a/b/echo", "[1]"],
      ["bytes as reply", "/svc/bytes", "[]"],
      ["nothing as reply", "/svc/nothing", "[]"],
      ["an error value", "/svc/fail", "[]"],
      ["an error of bytes", "/svc/failBytes", "[]"],
      ["arguments that are no JSON", "/svc/echo", "[1"],
      ["an unknown service", "/none/echo", "[]"],
      ["a service with a name that is very long", `/${"n".repeat(9_000)}/echo`, "[]"],
      ["an unknown method", "/svc/none", "[]"],
      ["a method that is hidden", "/svc/_none", "[]"],
      ["no method", "/svc", "[]"],
      ["a stream", "/svc/echoChan", "[1]\n2\n3\n"],
      ["a stream that fails", "/svc/failChan", "[]"],
      ["the admin service", "/admin/listLimits?forceenv=admin.lever", "[]"],
      ["an unknown method of the admin service", "/admin/x?forceenv=admin.lever", "[]"],
      ["an unknown environment", "/svc/echo?forceenv=none.lever", "[]"],
      ["an environment with a space", "/svc/echo?forceenv=local%20admin.lever", "[]"],
    ] as const
  ).map(([name, path, body]) => [name, post(path, body)] as const),
  ["bytes", post("/svc/size", "abc", "content-type: application/octet-stream")],
  ["a deadline", post("/svc/never", "[]", "lever-timeout: 30")],
  ["a deadline that is none", post("/svc/echo", "[]", "lever-timeout: soon")],
  ["a token that is unknown", post("/svc/echo", "[]", "authorization: Bearer x")],
  ["another origin", post("/svc/echo", "[1]", "origin: http://a.example")],
  [
    "a foreign page at the admin service",
    post("/admin/listLimits?forceenv=admin.lever", "[]", "origin: http://a.example"),
  ],
  ["a body that is too large", post("/svc/echo", "", "content-length: 5000000")],
  ["a stream of an unknown type", post("/svc/echoChan", "[]", "content-type: text/plain")],
  [
    "another method of HTTP",
    "GET /svc/echo?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  ],
  [
    "OPTIONS of a page",
    "OPTIONS /svc/echo?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\norigin: http://a.example\r\naccess-control-request-method: POST\r\nconnection: close\r\n\r\n",
  ],
  [
    "events",
    "GET /svc/failChan?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nconnection: close\r\n\r\n",
  ],
  ["no environment", "POST /svc/echo HTTP/1.0\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"],
  [
    "a WebSocket for a regular method",
    "GET /svc/echo?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  ],
  ["headers that are too large", post("/svc/echo", "[]", `x-large: ${"x".repeat(20_000)}`)],
  ["something that is not HTTP", "HELLO\r\n\r\n"],
];

async function exchange(lever: RunningLever, request: string): Promise<string> {
  const socket = connect(portOf(lever), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(request);
  let received = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    received += chunk;
  });
  await once(socket, "close");
  return withoutCall(received)
    .replace(/^date: .*$/im, "date: then")
    .replace(/dur=[\d.]+(;desc=warm)?/g, "dur=n");
}

/** Each host and worker numbers its calls by itself. */
function withoutCall(answer: string): string {
  const [, id = ""] = /"call":"([^"]+)"/.exec(answer) ?? [];
  return answer
    .replace(/^content-length: (\d+)/m, (_, bytes) => `content-length: ${bytes - id.length}`)
    .replace(/"call":"[^"]+"/, '"call":"id"')
    .replace(/^lever-call: .*$/m, "lever-call: id");
}

/** Heads that announce a body, which never comes. */
const heads = (
  [
    ["an unknown service", "/none/echo"],
    ["an unknown method", "/svc/none"],
    ["a stream of an unknown service", "/none/echoChan"],
    ["an unknown environment", "/svc/echo?forceenv=none.lever"],
    ["an unknown method of the admin service", "/admin/x?forceenv=admin.lever"],
    ["a token that is unknown", "/svc/echo", "\r\nauthorization: Bearer x"],
    ["another origin", "/admin/x?forceenv=admin.lever", "\r\norigin: http://a.example"],
  ] as const
).map(
  ([name, path, field = ""]) => [name, post(path, "", `content-length: 4000000${field}`)] as const,
);

/** The response to a head. */
async function answerTo(lever: RunningLever, head: string): Promise<string> {
  const socket = connect(portOf(lever), "127.0.0.1");
  socket.setEncoding("latin1");
  socket.write(head);
  let received = "";
  while (!received.endsWith("}")) {
    const [chunk] = (await once(socket, "data")) as [string];
    received += chunk;
  }
  socket.destroy();
  return withoutCall(received).replace(/^date: .*$/im, "date: then");
}

describe("a host with two workers", () => {
  let one: RunningLever;
  let two: RunningLever;

  beforeAll(async () => {
    // An answer that is sampled names its call.
    const args = ["--limit", "traceSampledEach=0"];
    const start = (workers: number) => startLever({ workers, args });
    [one, two] = await Promise.all([start(1), start(2)]);
    await Promise.all([deployWorkerServices(one), deployWorkerServices(two)]);
  });

  afterAll(async () => {
    await one.stop();
    await two.stop();
  });

  it.each(requests)("two workers answer as one process does: %s", async (_name, request) => {
    const expected = await exchange(one, request);
    expect(expected).not.toBe("");
    expect(await exchange(two, request)).toBe(expected);
  });

  it.each(heads)("two workers refuse a call before its body: %s", async (_name, head) => {
    expect(await answerTo(two, head)).toBe(await answerTo(one, head));
  });
});
