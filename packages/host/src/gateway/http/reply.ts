import { type CallListener, LeverError, type PayloadKind } from "@leveros/protocol";
import type { OpenCall } from "../../router/router.ts";
import type { HttpResponse } from "./exchange.ts";
import { methodErrorParts, resultParts } from "./response-parts.ts";
import { writeProblem, writeResponse } from "./write-response.ts";

/** Writes the response of a regular call: its one message, or its failure. */
export class RegularReply implements CallListener {
  readonly #response: HttpResponse;
  call: OpenCall | undefined;
  #isAnswered = false;

  constructor(response: HttpResponse) {
    this.#response = response;
    response.on("close", () => {
      if (!this.#isAnswered) this.call?.abort(callerDisconnected());
    });
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    writeResponse(this.#response, resultParts(kind, bytes, this.call?.waitTimes));
  }

  onEnd(): void {
    if (!this.#isAnswered) this.onAbort(noReply());
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

/** The method of a regular call half-closed without a message. */
export function noReply(): LeverError {
  return new LeverError("instance_failed", "The method ended without a reply.");
}

/** Cancels a call. */
export function callerDisconnected(): LeverError {
  return new LeverError("cancelled", "The caller closed its connection.");
}
