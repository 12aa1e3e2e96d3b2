import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:http2";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Outcome, StreamCase } from "./cases.ts";
import {
  asMessages,
  type Bench,
  converse,
  Failed,
  type Failure,
  isBytes,
  needsJson,
  type OpenStream,
  onlyBytes,
  type Transport,
} from "./transport.ts";

type Headers = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Readable;
}

interface Exchange {
  readonly outgoing: Writable;
  readonly answer: Promise<Answer>;
  leave(): void;
}

type Open = (bench: Bench, path: string, headers: Headers) => Exchange;

const json = { "content-type": "application/json" };
const lines = { "content-type": "application/x-ndjson" };
const binary = { "content-type": "application/octet-stream" };

const pathOf = (service: string, method: string): string =>
  `/${service}/${method}?forceenv=dev.lever`;

/** Breaking off, on purpose or since the answer is whole, is no failure of the call. */
const ignore = (): void => {};

const overHttp1: Open = ({ lever }, path, headers) => {
  const outgoing = request(`http://${lever.address}${path}`, {
    method: "POST",
    headers,
    agent: false,
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    outgoing.on("response", (body) => {
      body.on("error", ignore);
      body.on("close", () => outgoing.destroy());
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
    });
    outgoing.on("error", reject);
  });
  answer.catch(ignore);
  outgoing.flushHeaders();
  return { outgoing, answer, leave: () => outgoing.destroy() };
};

const overHttp2: Open = ({ lever }, path, headers) => {
  const session = connect(`http://${lever.address}`);
  const stream = session.request({ ":method": "POST", ":path": path, ...headers });
  stream.on("close", () => session.close());
  stream.on("error", ignore);
  const answer = new Promise<Answer>((resolve, reject) => {
    session.on("error", reject);
    stream.on("response", (held) => {
      resolve({ status: Number(held[":status"]), headers: held, body: stream });
    });
  });
  answer.catch(ignore);
  return { outgoing: stream, answer, leave: () => stream.close() };
};

async function whole(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** An HTTP answer by the rules of the HTTP API. */
async function outcomeOf({ status, headers, body }: Answer): Promise<Outcome> {
  const held = await whole(body);
  const value = (): unknown =>
    headers["content-type"] === "application/octet-stream" ? held : JSON.parse(held.toString());
  if (status === 200) return { result: value() };
  if (headers["lever-error"] === "method") return { error: value() };
  return { code: (value() as { code: string }).code };
}

/** A streaming call over HTTP: the arguments as a line, then messages as `encode` gives them. */
function openStream(
  exchange: Exchange,
  of: StreamCase,
  form: {
    encode: (message: unknown) => string | Buffer;
    decode: (body: Readable) => AsyncIterable<unknown>;
  },
): OpenStream {
  const { outgoing, answer } = exchange;
  outgoing.on("error", ignore);
  outgoing.write(`${JSON.stringify(of.args)}\n`);
  async function* messages(): AsyncGenerator<unknown> {
    const answered = await answer;
    if (answered.status !== 200) throw new Failed((await outcomeOf(answered)) as Failure);
    yield* form.decode(answered.body);
  }
  return {
    send: (message) =>
      outgoing.write(form.encode(message)) || outgoing.destroyed
        ? undefined
        : once(outgoing, "drain"),
    end: () => outgoing.end(),
    leave: () => exchange.leave(),
    messages: messages(),
  };
}

/** The lines of a body. A reader passes on its input's errors, also when it is no longer read. */
const linesOf = (body: Readable): AsyncIterable<string> =>
  createInterface({ input: body }).on("error", ignore);

const line = (message: unknown): string => `${JSON.stringify(message)}\n`;

/** Lines of JSON, whose last one may be the error. */
async function* fromLines(body: Readable): AsyncGenerator<unknown> {
  for await (const text of linesOf(body)) {
    const message = JSON.parse(text) as unknown;
    if (typeof message === "object" && message !== null && "error" in message) {
      throw new Failed({ error: message.error });
    }
    yield message;
  }
}

async function* fromEvents(body: Readable): AsyncGenerator<unknown> {
  let name = "";
  for await (const text of linesOf(body)) {
    if (text.startsWith("event: ")) name = text.slice(7);
    if (!text.startsWith("data: ")) continue;
    const data = text.slice(6);
    if (name === "message") yield JSON.parse(data);
    if (name === "bytes") yield Buffer.from(data, "base64");
    if (name === "error") throw new Failed({ error: JSON.parse(data) });
    if (name === "problem") throw new Failed({ code: (JSON.parse(data) as { code: string }).code });
  }
}

function overHttp(name: string, open: Open): Transport {
  return {
    name,
    async regular(bench, service, { method, args, timeoutMs }) {
      const headers = {
        ...(onlyBytes(args) === undefined ? json : binary),
        ...(timeoutMs !== undefined && { "lever-timeout": String(timeoutMs) }),
      };
      const { outgoing, answer } = open(bench, pathOf(service, method), headers);
      outgoing.end(onlyBytes(args) ?? JSON.stringify(args));
      return await outcomeOf(await answer);
    },
    stream: (bench, service, of) =>
      converse(
        openStream(open(bench, pathOf(service, of.method), lines), of, {
          encode: line,
          decode: fromLines,
        }),
        of,
      ),
    cannot: needsJson,
  };
}

export const httpTransports: readonly Transport[] = [
  overHttp("HTTP/1.1", overHttp1),
  overHttp("HTTP/2", overHttp2),
  {
    name: "HTTP bytes",
    async stream(bench, service, of) {
      const exchange = overHttp1(bench, pathOf(service, of.method), binary);
      const streamed = await converse(
        openStream(exchange, of, { encode: (bytes) => bytes as Buffer, decode: (body) => body }),
        of,
      );
      return { ...streamed, received: asMessages(of, streamed.received) };
    },
    cannot: (of) =>
      "sent" in of &&
      of.received.length > 0 &&
      of.sent.every(isBytes) &&
      (of.folds || of.received.every(isBytes))
        ? undefined
        : "its messages are bytes",
  },
  {
    name: "SSE",
    stream: (bench, service, of) =>
      converse(
        openStream(
          overHttp1(bench, pathOf(service, of.method), { ...lines, accept: "text/event-stream" }),
          of,
          { encode: line, decode: fromEvents },
        ),
        of,
      ),
    cannot: (of) =>
      "sent" in of && (of.sentChunks !== undefined || of.sent.some(isBytes))
        ? "its requests are lines of JSON"
        : undefined,
  },
];
