import { crc32 } from "node:zlib";
import type { Page } from "playwright-core";
import type { GrpcPeer } from "../harness/grpc-peer.ts";
import type { RunningLever } from "../harness/lever.ts";
import { type Outcome, type RegularCase, type StreamCase, sentBy } from "./cases.ts";

export interface Bench {
  readonly lever: RunningLever;
  readonly grpc: GrpcPeer;
  /** Has the client as `client`, and the tools of `page.ts`. undefined = there is no browser on this machine. */
  readonly page: Page | undefined;
}

export interface Streamed {
  readonly received: readonly unknown[];
  readonly failure?: Failure;
}

/** A way to call a service of `dev.lever`. */
export interface Transport {
  readonly name: string;
  /** Tags of its requirements besides Node (tests/harness/requirements.ts). */
  readonly tags?: string[];
  /** A service of the same environment makes the calls. */
  readonly isService?: true;
  readonly regular?: (bench: Bench, service: string, of: RegularCase) => Promise<Outcome>;
  readonly stream?: (bench: Bench, service: string, of: StreamCase) => Promise<Streamed>;
  /** Why it cannot carry this case by its nature; undefined = it can. */
  readonly cannot?: (of: RegularCase | StreamCase) => string | undefined;
}

export type Failure = Exclude<Outcome, { result: unknown }>;

/** How a stream that did not end well has ended. */
export class Failed extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(JSON.stringify(failure));
    this.failure = failure;
  }
}

export const isBytes = (value: unknown): value is Buffer => value instanceof Uint8Array;

export const onlyBytes = (args: readonly unknown[]): Buffer | undefined =>
  args.length === 1 && isBytes(args[0]) ? args[0] : undefined;

/** Why a transport of nothing but lines of JSON cannot carry a case. */
export const needsJson = (of: RegularCase | StreamCase): string | undefined =>
  "sent" in of &&
  (of.sentChunks !== undefined || [...of.sent, ...of.received].some(isBytes) || of.folds)
    ? "its messages are lines of JSON"
    : undefined;

/** A stream as one transport gives it. */
export interface OpenStream {
  /** Takes one message, and waits while the other side has to catch up. */
  send(message: unknown): Promise<unknown> | undefined;
  end(): void;
  /** Leaves in the middle. */
  leave(): void;
  /** Throws Failed. */
  readonly messages: AsyncIterable<unknown>;
}

/** Does what the case says on an open stream, sending and receiving at once. */
export async function converse(stream: OpenStream, of: StreamCase): Promise<Streamed> {
  const sending = (async () => {
    for (const message of sentBy(of)) await stream.send(message);
    if (of.keepsOpen !== true) stream.end();
  })().catch(() => {
    // The method may end the stream before it has read everything; what it said is what counts.
  });
  const kept: unknown[] = [];
  let bytes = 0;
  let crc = 0;
  const received = (): unknown[] => (of.folds === true ? [{ bytes, crc }] : kept);
  try {
    for await (const message of stream.messages) {
      if (of.folds === true && isBytes(message)) {
        bytes += message.length;
        crc = crc32(message, crc);
      } else {
        kept.push(message);
      }
      if (kept.length === of.leavesAfter) {
        stream.leave();
        return { received: received() };
      }
    }
    if (of.keepsOpen !== true) await sending;
    return { received: received() };
  } catch (error) {
    if (error instanceof Failed) return { received: received(), failure: error.failure };
    throw error;
  } finally {
    if (of.keepsOpen === true) stream.leave();
  }
}

/** Where chunks on the way are not messages, what counts is every byte, in order. */
export function asMessages(of: StreamCase, received: readonly unknown[]): readonly unknown[] {
  if (of.folds === true || !received.every(isBytes)) return received;
  const whole = Buffer.concat(received);
  return whole.equals(Buffer.concat(of.received.filter(isBytes))) ? of.received : [whole];
}

/** Messages that are pushed by one side and taken by another, which stops the pushing when there are too many. */
export class MessageQueue implements AsyncIterable<unknown> {
  readonly #waiting: unknown[] = [];
  readonly #flow: { pause(): void; resume(): void };
  #end: Failed | "end" | undefined;
  #wake: () => void = () => {};

  constructor(flow: { pause(): void; resume(): void }) {
    this.#flow = flow;
  }

  push(message: unknown): void {
    this.#waiting.push(message);
    if (this.#waiting.length === 256) this.#flow.pause();
    this.#wake();
  }

  end(failure?: Failure): void {
    this.#end ??= failure === undefined ? "end" : new Failed(failure);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<unknown> {
    while (true) {
      const messages = this.#waiting.splice(0);
      if (messages.length >= 256) this.#flow.resume();
      yield* messages;
      if (this.#waiting.length > 0) continue;
      if (this.#end instanceof Failed) throw this.#end;
      if (this.#end !== undefined) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
