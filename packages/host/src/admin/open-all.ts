import { Readable } from "node:stream";
import {
  type CallHandle,
  type CallListener,
  cancelled,
  closedSide,
  type LeverError,
  type PayloadKind,
} from "@leveros/protocol";
import {
  type AskedHost,
  decodeAnswer,
  methodFailed,
  NO_CONNECTION,
  OTHER_FORM,
  type Question,
  requestOf,
  STOPPING,
} from "./asked-host.ts";

/** Messages of one host that are not read. With more, it has to wait. */
const UNREAD_MAX = 64;

/** Opens a streaming method of each host, for that host alone. */
export function openAll(hosts: readonly AskedHost[], question: Question): HostStream[] {
  return hosts.map((host) => new HostStream(host, question));
}

/** The messages of a host, as an object stream. It ends when nothing more comes. */
export class HostStream extends Readable implements CallListener {
  readonly host: string;
  /** Why nothing more comes, as the end of a sentence; undefined = the method has ended. */
  endedBecause: string | undefined;
  /** The method has failed there. */
  failure: LeverError | undefined;
  readonly #call: CallHandle = closedSide;
  #hasEnded = false;

  constructor(host: AskedHost, question: Question) {
    super({ objectMode: true, highWaterMark: UNREAD_MAX });
    this.host = host.name;
    const request = requestOf(question, { isStream: true, timeoutMs: 0 });
    if (host.isUp) this.#call = host.open(request, this, true);
    else this.#end(NO_CONNECTION);
  }

  override _read(): void {
    this.#call.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#call.abort(cancelled("caller"));
    done(error);
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    // The bytes may lie in memory that is used again.
    const message = decodeAnswer(kind, Buffer.from(bytes));
    if (message === undefined) this.#end(OTHER_FORM);
    else if (!this.#hasEnded && !this.push(message)) this.#call.pause();
  }

  onEnd(): void {
    this.#end(undefined);
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.onAbort(methodFailed(kind, bytes));
  }

  onAbort(error: LeverError): void {
    this.failure ??= error;
    this.#end(error.message);
  }

  onDeclined(): void {
    this.#end(STOPPING);
  }

  onDrain(): void {}

  #end(reason: string | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.endedBecause = reason;
    this.push(null);
  }
}
