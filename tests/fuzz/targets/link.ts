import { duplexPair } from "node:stream";
import { forwardCall, linkInstance, Router, systemClock } from "@leveros/host/parts";
import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  defaultLimits,
  ignoredEvents,
  LeverError,
  Link,
  memoryLink,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type SharedMemory,
} from "@leveros/protocol";
import { ownMemory } from "../own-memory.ts";
import type { FuzzTarget, Subject } from "../target.ts";
import { encodeLink, RecordedMemory, recordedMemory, recordLink, WORDS } from "./link-frames.ts";
import { RandomListener } from "./random-listener.ts";

/** The link by itself, on either side; and the host's end of an instance's link, with a router behind it. */
export const link: FuzzTarget = {
  name: "link",
  async open(): Promise<Subject> {
    const { router, isIdle } = routerWithEcho();
    const corpus = { inputs: recordLink(), words: WORDS, encode: encodeLink };
    return {
      corpus,
      inputsAtOnce: 1,
      async feed(bytes, choice) {
        if (choice(4) === 0) await feedSocket(bytes, choice, router);
        else await feedLink(bytes, choice);
      },
      async check() {
        const [valid] = corpus.inputs;
        // A recorded conversation breaks nothing.
        await feedLink(encodeLink(valid ?? []), () => 1, true);
      },
      async measure() {
        // Calls over links that are gone are cancelled in the turns of the loop that follow.
        for (let turn = 0; turn < 1_000 && !isIdle(); turn++) await new Promise(setImmediate);
        if (!isIdle()) throw new Error("calls of links that are gone are still in flight");
        return [await ownMemory()];
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};

const gone = new LeverError("instance_failed", "The link is gone.");
const request: CallRequest = {
  caller: { kind: "service", environment: "dev.lever", service: "caller" },
  target: { environment: "dev.lever", service: "fuzz", resource: "", method: "echo" },
  isStream: false,
  timeoutMs: 1_000,
  kind: PAYLOAD_JSON,
  body: Buffer.from("[]"),
};

/** L3, and that only what is documented is thrown. */
async function feedLink(
  input: Buffer,
  choice: (end: number) => number,
  isValid = false,
): Promise<void> {
  const listeners: RandomListener[] = [];
  const tasks: (() => void)[] = [];
  const side = (input[0] ?? 0) % 2 === 0 ? "listener" : "dialler";
  const subject = new Link({
    side,
    messageBytesMax: 100_000,
    callsMax: 5,
    write: () => choice(8) !== 0,
    schedule: (flush) => tasks.push(flush),
    onCall(_request, calleeSide) {
      const listener = new RandomListener(calleeSide, choice);
      listeners.push(listener);
      return listener;
    },
    onControl() {},
    shared: memoryFor(side, choice),
  });
  const call = (isStream: boolean, body: Buffer): void => {
    const listener = new RandomListener(undefined, choice);
    listener.side = subject.open({ ...request, isStream, body }, listener, isStream);
    listener.hasSentEnd = !isStream;
    listeners.push(listener);
  };
  call(false, Buffer.from("[]"));
  call(true, Buffer.alloc(150_000, 7));
  try {
    for (const chunk of cut(input.subarray(1), choice)) {
      subject.receive(chunk);
      for (const task of tasks.splice(0)) task();
      if (subject.output.isSaturated && choice(2) === 0) subject.drained();
    }
  } catch (error) {
    expectProtocolError(error);
    if (isValid) throw error;
  }
  subject.close(gone);
  call(false, Buffer.from("[]"));
  await Promise.resolve();
  if (subject.callsOpen > 0) throw new Error(`${subject.callsOpen} calls are open after close`);
  for (const listener of listeners) listener.expectOneEnding();
}

/** The host's end of an instance's link: over a socket, with the messages of the runtime parsed, and a router behind. */
async function feedSocket(
  input: Buffer,
  choice: (end: number) => number,
  router: Router,
): Promise<void> {
  const [near, far] = duplexPair();
  far.on("error", () => {});
  far.resume();
  let losses = 0;
  const problems: string[] = [];
  const forwarding = { target: router, isTrusted: choice(2) === 0, log() {} };
  const listeners: RandomListener[] = [];
  await new Promise<void>((resolve) => {
    const host = linkInstance(near, {
      messageBytesMax: 100_000,
      callsMax: 5,
      bytesPerSecond: 1e12,
      now: () => systemClock.now(),
      onCall: (of, side) => forwardCall({ ...of, timeoutMs: 1_000 }, side, forwarding),
      onStarted() {},
      onReady(methods) {
        if (!methods.every((name) => typeof name === "string" && name !== "")) {
          problems.push(`it took ${JSON.stringify(methods)} for methods`);
        }
      },
      onWaiting(reason) {
        if (typeof reason !== "string") problems.push("it took what is no text for a step");
      },
      onFailed(reason) {
        if (typeof reason !== "string") problems.push("it took what is no text for a reason");
      },
      onStopping() {},
      onSpans({ spans, count, dropped }) {
        if (spans.length > 100 || !(count + dropped >= 0))
          problems.push("it took spans for others");
      },
      spanBytesMax: 100,
      shared: memoryFor("listener", choice),
      onLost(reason) {
        losses++;
        if (reason !== undefined) {
          try {
            expectProtocolError(reason);
          } catch (error) {
            problems.push(String(error));
          }
        }
        host.close(gone);
        resolve();
      },
    });
    const listener = new RandomListener(undefined, choice);
    listener.side = host.open({ ...request, isStream: true }, listener, true);
    listeners.push(listener);
    for (const chunk of cut(input.subarray(1), choice)) far.write(chunk);
    far.end();
  });
  await new Promise(setImmediate);
  for (const listener of listeners) listener.expectOneEnding();
  if (losses !== 1) problems.push(`it was lost ${losses} times`);
  if (problems.length > 0) throw new Error(problems.join("; "));
}

function expectProtocolError(error: unknown): void {
  if (error instanceof LeverError) return;
  if (error instanceof Error && error.name === "Error" && error.message.startsWith("Cannot "))
    return;
  throw new Error(`it threw ${error instanceof Error ? error.stack : error}`);
}

const written = new RecordedMemory();

/** The shared memory of the other side, which mostly still holds its payloads; or no shared memory. */
function memoryFor(
  side: "dialler" | "listener",
  choice: (end: number) => number,
): SharedMemory | undefined {
  if (choice(4) === 0) return undefined;
  const incoming = recordedMemory[side === "listener" ? "instance" : "host"];
  for (const file of [incoming, written]) file.has = () => choice(16) !== 0;
  return { outgoing: written, incoming };
}

/** Bytes as they may arrive: whole, or in pieces. */
function cut(bytes: Buffer, choice: (end: number) => number): Buffer[] {
  const pieces: Buffer[] = [];
  let rest = bytes;
  for (let cuts = choice(2) * choice(6); cuts > 0 && rest.length > 1; cuts--) {
    const at = 1 + choice(rest.length - 1);
    pieces.push(rest.subarray(0, at));
    rest = rest.subarray(at);
  }
  return [...pieces, rest];
}

/** A router with one service that echoes, inside this process. */
function routerWithEcho(): { router: Router; isIdle: () => boolean } {
  let epoch = 0;
  const router = new Router({
    limits: { ...defaultLimits, resourceIdleTimeoutMs: 10 },
    clock: systemClock,
    nextEpoch: () => ++epoch,
  });
  router.setEnvironment("dev.lever", {
    corsOrigins: new Set(),
    kind: "services",
    isPublic: false,
  });
  const echo = (of: CallRequest, side: CallHandle): CallListener => {
    if (!of.isStream) {
      side.send(of.kind, of.body, true);
      return ignoredEvents;
    }
    return {
      ...ignoredEvents,
      onMessage: (kind, bytes) => side.send(kind === PAYLOAD_BYTES ? kind : PAYLOAD_JSON, bytes),
      onEnd: () => side.end(),
    };
  };
  const callee = memoryLink({
    messageBytesMax: 100_000,
    callsMax: 1_000,
    schedule: setImmediate,
    onCall: echo,
  });
  const target = { instance: "here", version: 1, callee, callsInFlight: 0, streamsInFlight: 0 };
  const methods = ["echo", "echoChan"];
  router.setService("dev.lever", "fuzz", { version: 1, isPrivate: true, methods }).add(target);
  return { router, isIdle: () => target.callsInFlight === 0 && target.streamsInFlight === 0 };
}
