import {
  type CallHandle,
  type CallListener,
  cancelled,
  endedWithoutReply,
  type LeverError,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";
import type { HttpResponse } from "./exchange.ts";
import { methodErrorParts, resultParts } from "./response-parts.ts";
import { writeProblem, writeResponse } from "./write-response.ts";

/** Writes the response of a regular call: its one message, or its failure. */
export class RegularReply implements CallListener {
  readonly #response: HttpResponse;
  call: CallHandle | undefined;
  #waitTimes: WaitTimes | undefined;
  #isAnswered = false;

  constructor(response: HttpResponse) {
    this.#response = response;
    response.on("close", () => {
      if (!this.#isAnswered) this.call?.abort(cancelled("connectionClosed"));
    });
  }

  onAssigned(waitTimes: WaitTimes): void {
    this.#waitTimes = waitTimes;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    writeResponse(this.#response, resultParts(kind, bytes, this.#waitTimes));
  }

  onEnd(): void {
    if (!this.#isAnswered) this.onAbort(endedWithoutReply());
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#isAnswered = true;
    writeResponse(this.#response, methodErrorParts(kind, bytes));
  }

  onAbort(error: LeverError): void {
    this.#isAnswered = true;
    writeProblem(this.#response, error);
  }

  onDrain(): void {}
}
