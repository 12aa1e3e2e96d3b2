import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Client, LeverError, type RemoteStream } from "leveros";
import { spawnLever } from "../harness/run-lever.ts";
import type { StreamCase } from "./cases.ts";
import {
  asMessages,
  type Bench,
  converse,
  Failed,
  type Failure,
  isBytes,
  type OpenStream,
  onlyBytes,
  type Streamed,
  type Transport,
} from "./transport.ts";

function failureOf(error: unknown): Failure {
  if (!(error instanceof LeverError)) throw error;
  return error.code === "method_failed" ? { error: error.value } : { code: error.code };
}

const clientOf = ({ lever }: Bench, timeoutMs = 0): Client =>
  new Client({ forceHost: lever.address, timeoutMs });

function ofRemote(stream: RemoteStream): OpenStream {
  async function* messages(): AsyncGenerator<unknown> {
    try {
      for await (const message of stream) yield message;
    } catch (error) {
      throw new Failed(failureOf(error));
    }
  }
  return {
    send: (message) => (stream.write(message) ? undefined : stream.drained()),
    end: () => stream.end(),
    leave: () => stream.cancel(),
    messages: messages(),
  };
}

export const nodeClient: Transport = {
  name: "Node client",
  async regular(bench, service, { method, args, timeoutMs }) {
    const remote = clientOf(bench, timeoutMs).service("dev.lever", service);
    try {
      return { result: await remote.invoke(method, ...args) };
    } catch (error) {
      return failureOf(error);
    }
  },
  async stream(bench, service, of) {
    const remote = clientOf(bench).service("dev.lever", service);
    return await converse(ofRemote(await remote.invokeChan(of.method, ...of.args)), of);
  },
};

export const anotherService: Transport = {
  name: "another service",
  isService: true,
  async regular(bench, service, { method, args, timeoutMs }) {
    const through = clientOf(bench, timeoutMs).service("dev.lever", "proxy");
    const bytes = onlyBytes(args);
    try {
      if (bytes !== undefined) return { result: await through.invoke("callBytes", bytes) };
      return { result: await through.invoke("call", service, method, args) };
    } catch (error) {
      return asPassedOn(failureOf(error));
    }
  },
  async stream(bench, service, of) {
    const through = clientOf(bench).service("dev.lever", "proxy");
    const passing = await through.invokeChan("passChan", service, of.method, of.args);
    const { received, failure } = await converse(ofRemote(passing), of);
    return failure === undefined ? { received } : { received, failure: asPassedOn(failure) };
  },
};

/** The proxy service passes on only the text of Lever's own refusals. */
function asPassedOn(failure: Failure): Failure {
  if (!("error" in failure) || typeof failure.error !== "string") return failure;
  if (failure.error.includes("has no method")) return { code: "unknown_method" };
  if (failure.error.includes("There is no service")) return { code: "unknown_service" };
  return failure.error.includes("Cannot finish the call") ? { code: "deadline_exceeded" } : failure;
}

export const commandLine: Transport = {
  name: "command line",
  async regular({ lever }, service, { method, args, timeoutMs }) {
    const bytes = onlyBytes(args);
    const words = bytes === undefined ? args.map((arg) => JSON.stringify(arg)) : ["--"];
    const timeout = timeoutMs === undefined ? [] : ["--timeout", `${timeoutMs}ms`];
    const run = await lever.lever(
      ["invoke", ...timeout, `/${service}/${method}`, ...words],
      bytes === undefined ? {} : { input: bytes },
    );
    if (run.status !== 0) return commandFailure(run.stderr);
    return { result: bytes === undefined ? JSON.parse(run.stdout) : run.stdoutBytes };
  },
  async stream({ lever }, service, of) {
    const isReceivingBytes =
      of.folds === true || (of.received.length > 0 && of.received.every(isBytes));
    const isSendingBytes = of.sentChunks !== undefined || of.sent.some(isBytes);
    const flags = isSendingBytes ? ["--bytes"] : [];
    const args = of.args.map((arg) => JSON.stringify(arg));
    const child = spawnLever(["stream", ...flags, `/${service}/${of.method}`, ...args], {
      env: { LEVEROS_IP_PORT: lever.address },
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    child.stdin.on("error", () => {});
    const closed = once(child, "close") as Promise<[number]>;
    async function* messages(): AsyncGenerator<unknown> {
      yield* isReceivingBytes ? child.stdout : fromLines(child.stdout);
      const [status] = await closed;
      if (status !== 0) throw new Failed(commandFailure(stderr));
    }
    const streamed = await converse(
      {
        send: (message) =>
          child.stdin.write(isBytes(message) ? message : `${JSON.stringify(message)}\n`) ||
          child.stdin.destroyed
            ? undefined
            : once(child.stdin, "drain"),
        end: () => child.stdin.end(),
        leave: () => child.kill("SIGTERM"),
        messages: messages(),
      },
      of,
    );
    await closed;
    return withWholeMessages(of, streamed);
  },
  cannot: (of) =>
    JSON.stringify(of.args).length > 90_000 && onlyBytes(of.args) === undefined
      ? "the system bounds the length of a command's argument"
      : undefined,
};

const withWholeMessages = (of: StreamCase, streamed: Streamed): Streamed => ({
  ...streamed,
  received: of.received.length === 0 ? streamed.received : asMessages(of, streamed.received),
});

async function* fromLines(input: Readable): AsyncGenerator<unknown> {
  for await (const text of createInterface({ input })) yield JSON.parse(text);
}

function commandFailure(stderr: string): Failure {
  const [, value] = /^lever: the method failed: (.*)$/m.exec(stderr) ?? [];
  if (value !== undefined) return { error: JSON.parse(value) };
  const [, base64] = /in base64: (\S+)/.exec(stderr) ?? [];
  if (base64 !== undefined) return { error: Buffer.from(base64, "base64") };
  return { code: /\((\w+)\)/.exec(stderr)?.[1] ?? stderr };
}
