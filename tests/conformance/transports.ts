import { connect } from "node:http2";
import { status as grpcStatus } from "@grpc/grpc-js";
import { Client, LeverError, type RemoteStream } from "leveros";
import type { Page } from "playwright-core";
import { WebSocket } from "ws";
import { fromJsonMessage, type GrpcPeer, toJsonMessage, toRpc } from "../harness/grpc-peer.ts";
import { httpCall } from "../harness/http-call.ts";
import type { RunningLever } from "../harness/lever.ts";
import type { Outcome, RegularCase, StreamCase } from "./cases.ts";

export interface Bench {
  readonly lever: RunningLever;
  readonly grpc: GrpcPeer;
  /** Has the client as `client`, and `Buffer` for nothing. */
  readonly page: Page;
}

interface Streamed {
  readonly received: unknown[];
  readonly failure?: Outcome;
}

/** A way to call a service of `dev.lever`. */
export interface Transport {
  readonly name: string;
  readonly regular?: (bench: Bench, service: string, of: RegularCase) => Promise<Outcome>;
  readonly stream?: (bench: Bench, service: string, of: StreamCase) => Promise<Streamed>;
  /** Why it cannot carry this case by its nature; undefined = it can. */
  readonly cannot?: (of: RegularCase | StreamCase) => string | undefined;
}

const isBytes = (value: unknown): value is Buffer => value instanceof Uint8Array;
const onlyBytes = (args: readonly unknown[]): Buffer | undefined =>
  args.length === 1 && isBytes(args[0]) ? args[0] : undefined;
const json = { "content-type": "application/json" };
const binary = { "content-type": "application/octet-stream" };

/** An HTTP answer by the rules of the HTTP API. */
function httpOutcome(
  status: number,
  headers: Readonly<Record<string, unknown>>,
  body: Buffer,
): Outcome {
  const value = (): unknown =>
    headers["content-type"] === "application/octet-stream" ? body : JSON.parse(body.toString());
  if (status === 200) return { result: value() };
  if (headers["lever-error"] === "method") return { error: value() };
  return { code: (value() as { code: string }).code };
}

function failureOf(error: unknown): Exclude<Outcome, { result: unknown }> {
  if (!(error instanceof LeverError)) throw error;
  return error.code === "method_failed" ? { error: error.value } : { code: error.code };
}

async function gather(stream: RemoteStream, sent: readonly unknown[]): Promise<Streamed> {
  const sending = (async () => {
    for (const message of sent) if (!stream.write(message)) await stream.drained();
    stream.end();
  })();
  const received: unknown[] = [];
  try {
    for await (const message of stream) received.push(message);
    await sending;
    return { received };
  } catch (error) {
    return { received, failure: failureOf(error) };
  }
}

const clientOf = ({ lever }: Bench, timeoutMs = 0): Client =>
  new Client({ forceHost: lever.address, timeoutMs });

const linesOf = (of: StreamCase): string =>
  [of.args, ...of.sent].map((message) => `${JSON.stringify(message)}\n`).join("");

const isAllJson = (of: RegularCase | StreamCase): string | undefined =>
  "sent" in of && [...of.sent, ...of.received].some(isBytes)
    ? "its messages are lines of JSON"
    : undefined;

/** Lines of JSON, whose last one may be the error. */
function linesOutcome(text: string): Streamed {
  const received = text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
  const last = received.at(-1);
  if (typeof last !== "object" || last === null || !("error" in last)) return { received };
  return { received: received.slice(0, -1), failure: { error: last.error } };
}

function http2Call(
  address: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`);
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    const chunks: Buffer[] = [];
    let answered: Record<string, unknown> = {};
    stream.on("response", (held) => {
      answered = held;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      session.close();
      resolve({
        status: Number(answered[":status"]),
        headers: answered,
        body: Buffer.concat(chunks),
      });
    });
    stream.end(body);
  });
}

const pathOf = (service: string, method: string): string =>
  `/${service}/${method}?forceenv=dev.lever`;

function overHttp(
  name: string,
  send: (
    bench: Bench,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | Buffer,
  ) => Promise<{ status: number; headers: Readonly<Record<string, unknown>>; body: Buffer }>,
): Transport {
  return {
    name,
    async regular(bench, service, { method, args, timeoutMs }) {
      const headers = {
        ...(onlyBytes(args) === undefined ? json : binary),
        ...(timeoutMs !== undefined && { "lever-timeout": String(timeoutMs) }),
      };
      const body = onlyBytes(args) ?? JSON.stringify(args);
      const answer = await send(bench, pathOf(service, method), headers, body);
      return httpOutcome(answer.status, answer.headers, answer.body);
    },
    async stream(bench, service, of) {
      const headers = { "content-type": "application/x-ndjson" };
      const answer = await send(bench, pathOf(service, of.method), headers, linesOf(of));
      if (answer.status === 200) return linesOutcome(answer.body.toString());
      return { received: [], failure: httpOutcome(answer.status, answer.headers, answer.body) };
    },
    cannot: isAllJson,
  };
}

function overWebSocket(name: string, protocol: string | undefined): Transport {
  return {
    name,
    stream: ({ lever }, service, of) =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(
          `ws://${lever.address}${pathOf(service, of.method)}`,
          protocol,
        );
        const received: unknown[] = [];
        let told: Outcome | undefined;
        socket.on("error", reject);
        socket.on("open", () => {
          socket.send(JSON.stringify(of.args));
          for (const message of of.sent)
            socket.send(isBytes(message) ? message : JSON.stringify(message));
          socket.send("");
        });
        socket.on("message", (data: Buffer, isBinary) => {
          const text = data.toString();
          if (isBinary) {
            received.push(data);
            if (protocol !== undefined) socket.send(`+${data.length}`);
          } else if (protocol !== undefined && text.startsWith("+")) {
            // Credit: these cases send less than they have from the start, or do not mind.
          } else if (protocol !== undefined && text.startsWith("!")) {
            const { error, problem } = JSON.parse(text.slice(1)) as {
              error?: unknown;
              problem?: { code: string };
            };
            told = problem === undefined ? { error } : { code: problem.code };
          } else {
            received.push(JSON.parse(text));
            if (protocol !== undefined) socket.send(`+${data.length}`);
          }
        });
        socket.on("close", (code, reason) => {
          if (code === 1000) resolve({ received });
          else if (told !== undefined) resolve({ received, failure: told });
          else if (code === 4000)
            resolve({ received, failure: { error: JSON.parse(reason.toString()) } });
          else
            resolve({
              received,
              failure: { code: code === 4404 ? "unknown_method" : `close ${code}` },
            });
        });
      }),
  };
}

export const transports: readonly Transport[] = [
  overHttp("HTTP/1.1", ({ lever }, path, headers, body) =>
    httpCall(lever.address, path, { headers, body }),
  ),
  overHttp("HTTP/2", ({ lever }, path, headers, body) =>
    http2Call(lever.address, path, headers, body),
  ),
  {
    name: "HTTP bytes",
    async stream({ lever }, service, of) {
      const sent = of.sent.filter(isBytes);
      const body = Buffer.concat([Buffer.from(`${JSON.stringify(of.args)}\n`), ...sent]);
      const answer = await httpCall(lever.address, pathOf(service, of.method), {
        headers: binary,
        body,
      });
      const whole = Buffer.concat(of.received.filter(isBytes));
      // Chunks on the way are not messages: what counts is every byte, in order.
      return { received: answer.body.equals(whole) ? [...of.received] : [answer.body] };
    },
    cannot: (of) =>
      "sent" in of && of.received.length > 0 && [...of.sent, ...of.received].every(isBytes)
        ? undefined
        : "its messages are bytes",
  },
  {
    name: "SSE",
    async stream({ lever }, service, of) {
      const headers = { "content-type": "application/x-ndjson", accept: "text/event-stream" };
      const answer = await httpCall(lever.address, pathOf(service, of.method), {
        headers,
        body: linesOf(of),
      });
      if (answer.status !== 200)
        return { received: [], failure: httpOutcome(answer.status, answer.headers, answer.body) };
      const received: unknown[] = [];
      for (const event of answer.text.split("\n\n").filter(Boolean)) {
        const [, name = "", data = ""] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
        if (name === "message") received.push(JSON.parse(data));
        if (name === "bytes") received.push(Buffer.from(data, "base64"));
        if (name === "error") return { received, failure: { error: JSON.parse(data) } };
        if (name === "problem")
          return { received, failure: { code: (JSON.parse(data) as { code: string }).code } };
      }
      return { received };
    },
    cannot: (of) =>
      "sent" in of && of.sent.some(isBytes) ? "its requests are lines of JSON" : undefined,
  },
  overWebSocket("WebSocket", undefined),
  overWebSocket("WebSocket lever", "lever"),
  {
    name: "gRPC",
    async regular({ grpc }, service, { method, args, timeoutMs }) {
      try {
        const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
        const reply = await grpc.unary(
          `lever://dev.lever/${service}/${method}`,
          toRpc(args),
          options,
        );
        if ("byte_result" in reply) return { result: reply["byte_result"] };
        if ("byte_error" in reply) return { error: reply["byte_error"] };
        return "error" in reply
          ? { error: fromJsonMessage(reply["error"]) }
          : { result: fromJsonMessage(reply["result"]) };
      } catch (error) {
        const { code } = error as { code: number };
        if (code === grpcStatus.DEADLINE_EXCEEDED) return { code: "deadline_exceeded" };
        return { code: code === grpcStatus.NOT_FOUND ? "unknown_method" : `status ${code}` };
      }
    },
    stream: ({ grpc }, service, of) =>
      new Promise((resolve) => {
        const stream = grpc.stream(`lever://dev.lever/${service}/${of.method}`);
        const received: unknown[] = [];
        let failure: Outcome | undefined;
        stream.on("data", (message: Record<string, unknown>) => {
          if ("message" in message) received.push(fromJsonMessage(message["message"]));
          if ("byte_message" in message) received.push(message["byte_message"]);
          if ("error" in message) failure = { error: fromJsonMessage(message["error"]) };
        });
        stream.on("error", () => {});
        stream.on("status", ({ code }: { code: number }) => {
          if (code === grpcStatus.NOT_FOUND) failure = { code: "unknown_method" };
          resolve(failure === undefined ? { received } : { received, failure });
        });
        stream.write({ rpc: toRpc(of.args) });
        for (const message of of.sent) {
          stream.write(
            isBytes(message) ? { byte_message: message } : { message: toJsonMessage(message) },
          );
        }
        stream.end();
      }),
  },
  {
    name: "Node client",
    async regular(bench, service, { method, args, timeoutMs }) {
      try {
        return {
          result: await clientOf(bench, timeoutMs)
            .service("dev.lever", service)
            .invoke(method, ...args),
        };
      } catch (error) {
        return failureOf(error);
      }
    },
    async stream(bench, service, of) {
      const stream = await clientOf(bench)
        .service("dev.lever", service)
        .invokeChan(of.method, ...of.args);
      return gather(stream, of.sent);
    },
  },
  {
    name: "Chromium",
    async regular({ page }, service, { method, args, timeoutMs = 0 }) {
      const outcome = await page.evaluate(callInPage, {
        service,
        method,
        args: args.map(pack),
        timeoutMs,
      });
      return unpackOutcome(outcome);
    },
    async stream({ page }, service, of) {
      const { received, failure } = await page.evaluate(streamInPage, {
        service,
        method: of.method,
        args: of.args.map(pack),
        sent: of.sent.map(pack),
      });
      const unpacked = received.map(unpack);
      return failure === undefined
        ? { received: unpacked }
        : { received: unpacked, failure: unpackOutcome(failure) };
    },
  },
  {
    name: "command line",
    async regular({ lever }, service, { method, args, timeoutMs }) {
      const bytes = onlyBytes(args);
      const words = bytes === undefined ? args.map((arg) => JSON.stringify(arg)) : ["--"];
      const timeout = timeoutMs === undefined ? [] : ["--timeout", `${timeoutMs}ms`];
      const run = await lever.lever(
        ["invoke", ...timeout, `/${service}/${method}`, ...words],
        bytes === undefined ? {} : { input: bytes },
      );
      if (run.status === 0)
        return { result: bytes === undefined ? JSON.parse(run.stdout) : run.stdoutBytes };
      return commandFailure(run);
    },
    async stream({ lever }, service, of) {
      const isSentBytes = of.sent.some(isBytes);
      const input = isSentBytes
        ? Buffer.concat(of.sent.filter(isBytes))
        : of.sent.map((message) => `${JSON.stringify(message)}\n`).join("");
      const args = of.args.map((arg) => JSON.stringify(arg));
      const flags = isSentBytes ? ["--bytes"] : [];
      const run = await lever.lever(["stream", ...flags, `/${service}/${of.method}`, ...args], {
        input,
      });
      const whole = Buffer.concat(of.received.filter(isBytes));
      const received =
        whole.length > 0
          ? run.stdoutBytes.equals(whole)
            ? [...of.received]
            : [run.stdoutBytes]
          : run.stdout
              .split("\n")
              .filter(Boolean)
              .map((line) => JSON.parse(line) as unknown);
      return run.status === 0 ? { received } : { received, failure: commandFailure(run) };
    },
    cannot: (of) =>
      JSON.stringify(of.args).length > 90_000 && onlyBytes(of.args) === undefined
        ? "the system bounds the length of a command's argument"
        : undefined,
  },
  {
    name: "another service",
    async regular(bench, service, { method, args, timeoutMs }) {
      const through = clientOf(bench, timeoutMs).service("dev.lever", "proxy");
      try {
        const bytes = onlyBytes(args);
        if (bytes !== undefined) return { result: await through.invoke("callBytes", bytes) };
        return { result: await through.invoke("call", service, method, args) };
      } catch (error) {
        // The proxy passes the method's own errors on; of Lever's it tells the text.
        const failure = failureOf(error);
        return asPassedOn(failure);
      }
    },
    async stream(bench, service, of) {
      const through = clientOf(bench).service("dev.lever", "proxy");
      const streamed = await gather(
        await through.invokeChan("passChan", service, of.method, of.args),
        of.sent,
      );
      const { failure } = streamed;
      return failure === undefined ? streamed : { ...streamed, failure: asPassedOn(failure) };
    },
  },
];

/** Of Lever's own refusals a service passes on the text only, unless it does more than this one. */
function asPassedOn(failure: Outcome): Outcome {
  if (!("error" in failure) || typeof failure.error !== "string") return failure;
  if (failure.error.includes("has no method")) return { code: "unknown_method" };
  return failure.error.includes("Cannot finish the call") ? { code: "deadline_exceeded" } : failure;
}

function commandFailure(run: {
  status: number;
  stderr: string;
}): Exclude<Outcome, { result: unknown }> {
  const [, value] = /^lever: the method failed: (.*)$/m.exec(run.stderr) ?? [];
  if (value !== undefined) return { error: JSON.parse(value) };
  const [, base64] = /in base64: (\S+)/.exec(run.stderr) ?? [];
  if (base64 !== undefined) return { error: Buffer.from(base64, "base64") };
  return { code: /\((\w+)\)/.exec(run.stderr)?.[1] ?? run.stderr };
}

// What goes into a page and comes out of it is JSON: bytes are packed.

type Packed = { readonly bytes: string } | { readonly json: string };

const pack = (value: unknown): Packed =>
  isBytes(value)
    ? { bytes: Buffer.from(value).toString("base64") }
    : { json: JSON.stringify(value) ?? "null" };
const unpack = (packed: Packed): unknown =>
  "bytes" in packed ? Buffer.from(packed.bytes, "base64") : JSON.parse(packed.json);

type PackedOutcome = { result: Packed } | { error: Packed } | { code: string };

function unpackOutcome(outcome: PackedOutcome): Outcome {
  if ("result" in outcome) return { result: unpack(outcome.result) };
  return "error" in outcome ? { error: unpack(outcome.error) } : outcome;
}

interface PageTools {
  pack(value: unknown): Packed;
  unpack(packed: Packed): unknown;
  failure(error: unknown): { error: Packed } | { code: string };
  client: Client;
}

async function callInPage(call: {
  service: string;
  method: string;
  args: Packed[];
  timeoutMs: number;
}): Promise<PackedOutcome> {
  const tools = globalThis as unknown as PageTools;
  const { service, method, timeoutMs } = call;
  try {
    const remote = tools.client.with({ timeoutMs }).service("dev.lever", service);
    return { result: tools.pack(await remote.invoke(method, ...call.args.map(tools.unpack))) };
  } catch (error) {
    return tools.failure(error);
  }
}

async function streamInPage(call: {
  service: string;
  method: string;
  args: Packed[];
  sent: Packed[];
}): Promise<{ received: Packed[]; failure?: PackedOutcome }> {
  const tools = globalThis as unknown as PageTools;
  const remote = tools.client.service("dev.lever", call.service);
  const stream = await remote.invokeChan(call.method, ...call.args.map(tools.unpack));
  const received: Packed[] = [];
  const sending = (async () => {
    for (const message of call.sent)
      if (!stream.write(tools.unpack(message))) await stream.drained();
    stream.end();
  })();
  try {
    for await (const message of stream) received.push(tools.pack(message));
    await sending;
    return { received };
  } catch (error) {
    return { received, failure: tools.failure(error) };
  }
}

/** The page's own half of the packing. */
export const pageTools = `
  const text = (bytes) => { let all = ""; for (const byte of bytes) all += String.fromCharCode(byte); return all; };
  globalThis.pack = (value) => value instanceof Uint8Array ? { bytes: btoa(text(value)) } : { json: JSON.stringify(value) ?? "null" };
  globalThis.unpack = (packed) => "bytes" in packed ? Uint8Array.from(atob(packed.bytes), (char) => char.charCodeAt(0)) : JSON.parse(packed.json);
  globalThis.failure = (error) => error.code === "method_failed" ? { error: pack(error.value) } : { code: error.code };
`;
