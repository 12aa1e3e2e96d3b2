import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = `
exports.echoChan = async (stream, ...args) => {
  if (args.length > 0) stream.write(args);
  for await (const message of stream) stream.write(message);
};
exports.countChan = async function* (stream, to) { for (let i = 1; i <= to; i++) yield i; };
exports.oldChan = (stream, greeting) => {
  stream.on("data", (message) => stream.write(greeting + message));
  stream.on("end", () => stream.end());
};
exports.failChan = async function* () { yield 1; throw { code: 7 }; };
exports.failFirstChan = async () => { throw { code: 8 }; };
exports.mixChan = (stream) => { stream.write("a\\nb"); stream.write(Buffer.from([1])); stream.end(); };
exports.earlyChan = async (stream) => { for await (const first of stream) { stream.write(first); return; } };
exports.silentChan = (stream) => {};
exports.bytesThenJsonChan = (stream) => { stream.write(Buffer.alloc(300_000, 1)); stream.write("no bytes"); };
exports.bytesFailChan = (stream) => { stream.write(Buffer.alloc(300_000, 1)); throw new Error("late"); };
exports.exitChan = (stream) => { stream.write(1); setTimeout(() => process.exit(1), 20); };
exports.regular = () => 1;
`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "pingIntervalMs=100"] });
  await deployService(lever, testService(service, { name: "talk" }));
});

afterAll(() => lever.stop());

const path = (method: string): string => `/talk/${method}?forceenv=dev.lever`;
const lines = { "content-type": "application/x-ndjson" };

describe("lines of JSON", () => {
  it("lines of JSON go both ways at once over HTTP/1.1", async () => {
    const outgoing = request(`http://${lever.address}${path("echoChan")}`, {
      method: "POST",
      headers: lines,
    });
    outgoing.write('["hello"]\n');
    const [response] = (await once(outgoing, "response")) as [NodeJS.ReadableStream];
    response.setEncoding("utf8");
    const next = async (): Promise<string> => ((await once(response, "data")) as [string])[0];
    expect(await next()).toBe('["hello"]\n');
    for (const message of ['{"a":1}', "null", '"é"']) {
      outgoing.write(`${message}\n`);
      expect(await next()).toBe(`${message}\n`);
    }
    outgoing.end();
    await once(response, "end");
  });

  it.each([
    ["countChan", "[3]", "1\n2\n3\n"],
    ["oldChan", '["hi "]\n"Ada"\n"Bob"\n', '"hi Ada"\n"hi Bob"\n'],
    ["failChan", "[]", '1\n{"error":{"code":7}}\n'],
    ["earlyChan", "[]\n1\n2\n3\n", "1\n"],
    ["countChan", "[0]", ""],
  ])("the method %s of %s answers with lines of JSON", async (method, body, text) => {
    const answer = await httpCall(lever.address, path(method), { headers: lines, body });
    expect([answer.status, answer.text]).toEqual([200, text]);
  });

  it("lines of JSON come over HTTP/2", async () => {
    const session = connect(`http://${lever.address}`);
    const stream = session.request({ ":method": "POST", ":path": path("countChan"), ...lines });
    stream.end("[3]");
    let text = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      text += chunk;
    });
    await once(stream, "end");
    expect(text).toBe("1\n2\n3\n");
    session.destroy();
  });

  it("a regular call is answered over HTTP/2", async () => {
    const session = connect(`http://${lever.address}`);
    const regular = session.request({
      ":method": "POST",
      ":path": path("regular"),
      "content-type": "application/json",
    });
    regular.end("[]");
    const [headers] = (await once(regular, "response")) as [Record<string, unknown>];
    expect(headers[":status"]).toBe(200);
    session.destroy();
  });
});

describe("server-sent events", () => {
  const events = { accept: "Text/Event-Stream" };
  const get = (
    method: string,
    args = "[]",
    headers: Readonly<Record<string, string>> = {},
  ): ReturnType<typeof httpCall> =>
    httpCall(lever.address, `${path(method)}&args=${args}`, {
      method: "GET",
      headers: { ...events, ...headers },
    });
  const post = (method: string): ReturnType<typeof httpCall> =>
    httpCall(lever.address, path(method), { headers: { ...lines, ...events }, body: "[]" });

  it("server-sent events bring messages, the end, and a time to connect again", async () => {
    const answer = await get("countChan", "[2]");
    expect(answer.text).toBe(
      "retry: 3000\n\nevent: message\ndata: 1\n\nevent: message\ndata: 2\n\nid: lever-end\nevent: end\ndata: \n\n",
    );
  });

  it("server-sent events have headers that keep proxies from holding them back", async () => {
    expect((await get("countChan", "[0]")).headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    });
  });

  it("server-sent events bring bytes as base64", async () => {
    expect((await post("mixChan")).text).toBe(
      'retry: 3000\n\nevent: message\ndata: "a\\nb"\n\nevent: bytes\ndata: AQ==\n\nid: lever-end\nevent: end\ndata: \n\n',
    );
  });

  it("an error after the first event is the last event", async () => {
    expect((await post("failChan")).text).toMatch(
      /\nid: lever-end\nevent: error\ndata: \{"code":7\}\n\n$/,
    );
  });

  it("the end of a stream whose instance failed lets an EventSource connect again", async () => {
    const { text } = await get("exitChan");
    expect(text).toContain("event: problem\n");
    expect(text).not.toContain("id: ");
  });

  it.each([
    ["the method's error", "failFirstChan", "[]", 500, { code: 8 }],
    ["malformed arguments", "countChan", "[1", 400, { code: "malformed_request" }],
    ["an unknown method", "nothingChan", "[]", 404, { code: "unknown_method" }],
  ])("%s before the first event has a status", async (_, method, args, status, body) => {
    const answer = await get(method, args);
    expect([answer.status, answer.json()]).toEqual([status, expect.objectContaining(body)]);
  });

  it("an EventSource that connects again after the end is answered with 204", async () => {
    const answer = await get("countChan", "[2]", { "last-event-id": "lever-end" });
    expect([answer.status, answer.text]).toEqual([204, ""]);
  });

  it("server-sent events have comments while the method is silent", async () => {
    const outgoing = request(`http://${lever.address}${path("silentChan")}`, { headers: events });
    outgoing.end();
    const [response] = (await once(outgoing, "response")) as [NodeJS.ReadableStream];
    let text = "";
    response.setEncoding("utf8");
    while (!text.endsWith(":\n\n:\n\n")) text += ((await once(response, "data")) as [string])[0];
    expect(text).toMatch(/^retry: 3000\n\n(:\n\n)+$/);
    outgoing.destroy();
  });
});

describe("an error in a stream of bytes", () => {
  const bytes = { "content-type": "application/octet-stream" };

  /** The status, the bytes that arrived, and whether the response was cut off. */
  function overHttp1(method: string): Promise<[number | undefined, number, boolean]> {
    return new Promise((resolve, reject) => {
      const outgoing = request(`http://${lever.address}${path(method)}`, {
        method: "POST",
        headers: bytes,
      });
      outgoing.on("error", reject).on("response", (response) => {
        let count = 0;
        response.on("data", (chunk: Buffer) => {
          count += chunk.length;
        });
        response.on("error", () => {});
        response.on("close", () => resolve([response.statusCode, count, !response.complete]));
      });
      outgoing.end("[]\n");
    });
  }

  async function overHttp2(method: string): Promise<[unknown, number, boolean]> {
    const session = connect(`http://${lever.address}`);
    const stream = session.request({ ":method": "POST", ":path": path(method), ...bytes });
    let status: unknown;
    let count = 0;
    stream.on("response", (headers) => {
      status = headers[":status"];
    });
    stream.on("data", (chunk: Buffer) => {
      count += chunk.length;
    });
    stream.on("error", () => {});
    stream.end("[]\n");
    await new Promise((resolve) => stream.on("close", resolve));
    session.destroy();
    return [status, count, stream.rstCode !== 0];
  }

  it.each(["bytesThenJsonChan", "bytesFailChan"])(
    "%s sends what it wrote before its response is cut off",
    async (method) => {
      expect(await overHttp1(method)).toEqual([200, 300_000, true]);
      expect(await overHttp2(method)).toEqual([200, 300_000, true]);
    },
  );

  it("bytes after JSON end the stream with a line that says why", async () => {
    const answer = await httpCall(lever.address, path("mixChan"), { headers: lines, body: "[]" });
    expect(answer.text).toMatch(/^"a\\nb"\n\{"error":\{.*"code":"not_supported"/);
  });
});

interface Received {
  readonly messages: (string | Buffer)[];
  readonly code: number;
  readonly reason: string;
}

/** Opens a WebSocket, sends everything at once, and returns all messages until it closes. */
async function talk(
  method: string,
  sent: readonly (string | Buffer)[],
  protocol?: string,
): Promise<Received> {
  const socket = new WebSocket(`ws://${lever.address}${path(method)}`, protocol);
  const messages: (string | Buffer)[] = [];
  socket.on("message", (data: Buffer, isBinary) => {
    messages.push(isBinary ? data : data.toString());
  });
  await once(socket, "open");
  for (const message of sent) socket.send(message);
  const [code, reason] = (await once(socket, "close")) as [number, Buffer];
  return { messages, code, reason: reason.toString() };
}

describe("a WebSocket", () => {
  it("a WebSocket carries text and bytes, and half-closes with an empty text", async () => {
    const received = await talk("echoChan", ['["hi"]', '{"a":1}', Buffer.from([0, 255]), ""]);
    expect(received).toEqual({
      messages: ['["hi"]', '{"a":1}', Buffer.from([0, 255])],
      code: 1000,
      reason: "",
    });
  });

  it("a WebSocket keeps the order of 5,000 messages that are sent at once", async () => {
    const long = JSON.stringify("x".repeat(16_384));
    const sent = Array.from({ length: 5_000 }, (_, i) => (i % 100 === 99 ? long : String(i)));
    const { messages, code } = await talk("echoChan", ["[0]", ...sent, ""]);
    expect(code).toBe(1000);
    expect(messages).toEqual(["[0]", ...sent]);
  });

  it("a WebSocket closes with 4000 and the value that its method failed with", async () => {
    expect(await talk("failChan", ["[]"])).toEqual({
      messages: ["1"],
      code: 4000,
      reason: '{"code":7}',
    });
  });

  it("a WebSocket of the protocol lever sends the method's error as a message", async () => {
    expect(await talk("failChan", ["[]"], "lever")).toEqual({
      messages: ["1", expect.stringMatching(/^!\{"error":\{"code":7\},"call":"[\w-]+"\}$/)],
      code: 4000,
      reason: '{"code":7}',
    });
  });

  it("a WebSocket of an unknown method closes with 4404", async () => {
    const { code, reason } = await talk("nothingChan", ["[]"]);
    expect([code, reason]).toEqual([4404, "The service talk has no method nothingChan."]);
  });

  it("a WebSocket of the protocol lever sends Lever's refusal as a message", async () => {
    const malformed = await talk("echoChan", ["{}"], "lever");
    expect(malformed.code).toBe(4400);
    expect(malformed.messages[0]).toContain('"code":"malformed_request"');
  });

  it("a WebSocket to a regular method is refused", async () => {
    const socket = new WebSocket(`ws://${lever.address}${path("regular")}`);
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toBe("Unexpected server response: 400");
  });

  it("a call ends when its WebSocket closes", async () => {
    const socket = new WebSocket(`ws://${lever.address}${path("echoChan")}`);
    await once(socket, "open");
    socket.send("[1]");
    await once(socket, "message");
    socket.close();
    await once(socket, "close");
    const { stdout } = await lever.lever(["ls", "--json"]);
    expect(JSON.parse(stdout)[0].instances[0].callsInFlight).toBe(0);
  });
});
