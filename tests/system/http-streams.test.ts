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
exports.regular = () => 1;
`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
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
  const events = { accept: "text/event-stream" };

  it("server-sent events bring messages and the end", async () => {
    const answer = await httpCall(lever.address, `${path("countChan")}&args=[2]`, {
      method: "GET",
      headers: events,
    });
    expect(answer.headers["content-type"]).toBe("text/event-stream");
    expect(answer.text).toBe(
      "event: message\ndata: 1\n\nevent: message\ndata: 2\n\nevent: end\ndata: \n\n",
    );
  });

  const post = (method: string): ReturnType<typeof httpCall> =>
    httpCall(lever.address, path(method), { headers: { ...lines, ...events }, body: "[]" });

  it("server-sent events bring bytes as base64", async () => {
    expect((await post("mixChan")).text).toBe(
      'event: message\ndata: "a\\nb"\n\nevent: bytes\ndata: AQ==\n\nevent: end\ndata: \n\n',
    );
  });

  it("server-sent events bring an error as the first event", async () => {
    expect((await post("failFirstChan")).text).toBe('event: error\ndata: {"code":8}\n\n');
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
      messages: ["1", '!{"error":{"code":7}}'],
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
