import {
  type CallHandle,
  type CallListener,
  LeverError,
  type PayloadKind,
} from "@leveros/protocol";

/** One side of a call on a link, which does this and that, and notes what it hears. */
export class LinkEars implements CallListener {
  side: CallHandle | undefined;
  hasSentEnd = false;
  readonly #choice: (end: number) => number;
  readonly #heard: string[] = [];
  /** It has failed or aborted the call itself. */
  #hasLeft = false;

  constructor(side: CallHandle | undefined, choice: (end: number) => number) {
    this.side = side;
    this.#choice = choice;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.#heard.push("message");
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
        // After its own end nothing it says has any effect.
        if (!this.hasSentEnd) this.#hasLeft = true;
        return;
      case 3:
        side?.abort(new LeverError("cancelled", "Enough."));
        this.#hasLeft = true;
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
    this.#heard.push("end");
    this.side?.end();
    this.hasSentEnd = true;
  }

  onFail(): void {
    this.#heard.push("fail");
  }

  onAbort(): void {
    this.#heard.push("abort");
  }

  onDrain(): void {
    if (this.#choice(2) === 0) this.side?.resume();
  }

  /** L3. @throws Error with what it heard, once its link is closed. */
  expectOneEnding(): void {
    const heard = this.#heard;
    const last = heard.findIndex((what) => what === "fail" || what === "abort");
    const ends = heard.filter((what) => what === "end").length;
    const isTold = last !== -1;
    const isSettled = this.#hasLeft || (ends === 1 && this.hasSentEnd);
    if (ends > 1 || (isTold && last !== heard.length - 1) || !(isTold || isSettled)) {
      throw new Error(`a call heard ${heard.slice(-20).join(", ") || "nothing"}`);
    }
  }
}
