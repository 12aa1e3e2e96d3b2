import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  type LeverError,
  Link,
  type MemoryFile,
  OUTSIDE,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import { seededRandom } from "./seeded-random.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Differences from a regular call of `method` without arguments. */
type OpenChanges = Partial<CallRequest> & { readonly method?: string; readonly resource?: string };

/** The events that one side of a call has received, in order. */
export class RecordedEvents implements CallListener {
  readonly received: string[] = [];
  readonly messages: Uint8Array[] = [];
  endings = 0;
  onDrained = (): void => {};

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.messages.push(bytes);
    this.received.push(kind === PAYLOAD_BYTES ? `${bytes.length} bytes` : decoder.decode(bytes));
  }
  onEnd(): void {
    this.endings++;
    this.received.push("end");
  }
  onFail(_kind: PayloadKind, bytes: Uint8Array): void {
    this.endings++;
    this.received.push(`fail ${decoder.decode(bytes)}`);
  }
  onAbort(error: LeverError): void {
    this.endings++;
    this.received.push(`abort ${error.code}`);
  }
  onDrain(): void {
    this.onDrained();
  }
}

export interface Served {
  readonly request: CallRequest;
  readonly side: CallHandle;
  readonly events: RecordedEvents;
}

export interface JoinedOptions {
  readonly messageBytesMax?: number;
  readonly callsMax?: number;
  /** Memory shared by both links. */
  readonly files?: { readonly toInstance: MemoryFile; readonly toHost: MemoryFile };
}

/** Two joined links. `run` delivers the bytes that they write, in pieces and an order that depend on a seed. */
export class Joined {
  readonly served: Served[] = [];
  readonly host: Link;
  readonly instance: Link;
  onServed: (served: Served) => void = () => {};
  /** Bytes that both have written. */
  writtenBytes = 0;
  /** Payload bytes that both have passed on otherwise: through shared memory, or for calls that share a message. */
  sharedBytes = 0;
  readonly #random: () => number;
  readonly #pipes: { to: () => Link; bytes: Uint8Array[] }[] = [];
  readonly #tasks: (() => void)[] = [];

  constructor(seed = 1, options: JoinedOptions = {}) {
    this.#random = seededRandom(seed);
    this.host = this.#make("listener", () => this.instance, options);
    this.instance = this.#make("dialler", () => this.host, options);
  }

  #make(
    side: "dialler" | "listener",
    to: () => Link,
    { messageBytesMax = 8 * 1024 * 1024, callsMax = 1_000, files }: JoinedOptions,
  ): Link {
    const pipe = { to, bytes: [] as Uint8Array[] };
    this.#pipes.push(pipe);
    return new Link({
      side,
      messageBytesMax,
      callsMax,
      // As with a runtime, which reads into one buffer.
      isBorrowed: side === "dialler",
      shared: files && {
        outgoing: side === "listener" ? files.toInstance : files.toHost,
        incoming: side === "listener" ? files.toHost : files.toInstance,
      },
      write: (parts, sharedBytes) => {
        this.sharedBytes += sharedBytes;
        // A copy: what a link has written it may not change any more.
        for (const part of parts) {
          pipe.bytes.push(part.slice());
          this.writtenBytes += part.length;
        }
        return true;
      },
      schedule: (flush) => this.#tasks.push(flush),
      onCall: (request, callSide) => {
        const served = { request, side: callSide, events: new RecordedEvents() };
        this.served.push(served);
        this.onServed(served);
        return served.events;
      },
      onControl() {},
    });
  }

  /** Delivers and flushes until nothing is left to do. */
  run(onStep: () => void = () => {}): void {
    for (;;) {
      const pipes = this.#pipes.filter(({ bytes }) => bytes.length > 0);
      const choices = pipes.length + (this.#tasks.length > 0 ? 1 : 0);
      if (choices === 0) return;
      const choice = Math.floor(this.#random() * choices);
      const pipe = pipes[choice];
      if (pipe === undefined) this.#tasks.shift()?.();
      else this.#deliver(pipe);
      onStep();
    }
  }

  #deliver(pipe: { to: () => Link; bytes: Uint8Array[] }): void {
    const first = pipe.bytes[0] ?? new Uint8Array(0);
    const cut = Math.max(1, Math.floor(this.#random() ** 2 * (first.length + 1)));
    const rest = first.subarray(cut);
    if (rest.length > 0) pipe.bytes[0] = rest;
    else pipe.bytes.shift();
    const piece = first.slice(0, cut);
    const to = pipe.to();
    to.receive(piece);
    // The link may use borrowed bytes only during the call: they are overwritten.
    if (to === this.instance) piece.fill(0xaa);
  }

  open(
    { method = "method", resource = "", ...changes }: OpenChanges = {},
    hasMore = false,
  ): { side: CallHandle; events: RecordedEvents } {
    const events = new RecordedEvents();
    const request: CallRequest = {
      caller: OUTSIDE,
      target: { environment: "dev.lever", service: "svc", resource, method },
      isStream: hasMore,
      timeoutMs: 0,
      kind: PAYLOAD_JSON,
      body: encoder.encode("[]"),
      ...changes,
    };
    return { side: this.host.open(request, events, hasMore), events };
  }
}

export const json = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

/** After so many bytes a pattern begins again. */
const PATTERN_BYTES = 64 * 1024;

/** Bytes that differ everywhere, so that none can be lost, doubled or moved without notice. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const first = Math.min(length, PATTERN_BYTES);
  for (let i = 0; i < first; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 255;
  for (let at = first; at < length; at += PATTERN_BYTES) bytes.copyWithin(at, 0, PATTERN_BYTES);
  return bytes;
}

export function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
