import {
  type CallHandle,
  type CallListener,
  EarlyMessages,
  LeverError,
  type PayloadKind,
} from "@leveros/protocol";

/** A call that is still connecting. It stores what its caller does, and repeats it once the call is open. */
export class PendingCall implements CallHandle {
  readonly #events: CallListener;
  #side: CallHandle | undefined;
  #early: EarlyMessages | undefined;
  #hasEnded = false;
  #isPaused = false;
  #isOver = false;

  constructor(events: CallListener) {
    this.#events = events;
  }

  /** Opens the call, and sends what was stored. */
  begin(open: () => CallHandle): void {
    if (this.#isOver) return;
    let side: CallHandle;
    try {
      side = open();
    } catch (error) {
      if (!(error instanceof LeverError)) throw error;
      this.refuse(error);
      return;
    }
    this.#side = side;
    if (this.#isPaused) side.pause();
    const early = this.#early;
    this.#early = undefined;
    const isWritable = early?.sendTo(side) === true;
    if (this.#hasEnded) side.end();
    else if (isWritable) this.#events.onDrain();
  }

  /** Ends the call: it cannot be opened. */
  refuse(error: LeverError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#early = undefined;
    this.#events.onAbort(error);
  }

  send(kind: PayloadKind, bytes: Uint8Array, isLast = false): boolean {
    if (this.#side !== undefined) return this.#side.send(kind, bytes, isLast);
    if (this.#isOver || this.#hasEnded) return true;
    this.#early ??= new EarlyMessages();
    this.#early.push(kind, bytes);
    this.#hasEnded = isLast;
    return false;
  }

  end(): void {
    this.#hasEnded = true;
    this.#side?.end();
  }

  fail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#isOver = true;
    this.#early = undefined;
    this.#side?.fail(kind, bytes);
  }

  abort(error: LeverError): void {
    this.#isOver = true;
    this.#early = undefined;
    this.#side?.abort(error);
  }

  pause(): void {
    this.#isPaused = true;
    this.#side?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#side?.resume();
  }
}
