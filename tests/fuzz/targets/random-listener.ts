import {
  type CallHandle,
  type CallListener,
  LeverError,
  type PayloadKind,
} from "@leveros/protocol";

/** One side of a call on a link. It acts at random on what it receives, and records it. */
export class RandomListener implements CallListener {
  side: CallHandle | undefined;
  hasSentEnd = false;
  readonly #choice: (end: number) => number;
  readonly #received: string[] = [];
  /** True = this side has failed or aborted the call. */
  #hasEnded = false;

  constructor(side: CallHandle | undefined, choice: (end: number) => number) {
    this.side = side;
    this.#choice = choice;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.#received.push("message");
    const { side } = this;
    switch (this.#choice(12)) {
      case 0:
        side?.pause();
        return;
      case 1:
        side?.resume();
        return;
      case 2:
        side?.fail(kind, bytes);
        // After its own end a failure has no effect.
        if (!this.hasSentEnd) this.#hasEnded = true;
        return;
      case 3:
        side?.abort(new LeverError("cancelled", "Enough."));
        this.#hasEnded = true;
        return;
      case 4:
        side?.end();
        this.hasSentEnd = true;
        return;
      default:
        side?.send(kind, bytes);
    }
  }

  onEnd(): void {
    this.#received.push("end");
    this.side?.end();
    this.hasSentEnd = true;
  }

  onFail(): void {
    this.#received.push("fail");
  }

  onAbort(): void {
    this.#received.push("abort");
  }

  onDrain(): void {
    if (this.#choice(2) === 0) this.side?.resume();
  }

  /** L3. Call it after its link was closed. @throws Error with the last events. */
  expectOneEnding(): void {
    const received = this.#received;
    const last = received.findIndex((event) => event === "fail" || event === "abort");
    const ends = received.filter((event) => event === "end").length;
    const isFailed = last !== -1;
    const isSettled = this.#hasEnded || (ends === 1 && this.hasSentEnd);
    if (ends > 1 || (isFailed && last !== received.length - 1) || !(isFailed || isSettled)) {
      throw new Error(`a call received ${received.slice(-20).join(", ") || "nothing"}`);
    }
  }
}
