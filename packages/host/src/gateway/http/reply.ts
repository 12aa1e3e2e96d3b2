import {
  type CallHandle,
  type CallListener,
  cancelled,
  endedWithoutReply,
  formatCallId,
  type LeverError,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";
import type { NumberedCall } from "../call-marks.ts";
import type { DoorOptions } from "../door-options.ts";
import type { UnreadReplies } from "../unread-replies.ts";
import { compressResponse, isWorthCompressing, type ResponseCoding } from "./content-coding.ts";
import type { HttpResponse } from "./exchange.ts";
import {
  type AnsweredCall,
  methodErrorParts,
  type ResponseParts,
  resultParts,
} from "./response-parts.ts";
import { writeReply } from "./write-reply.ts";
import { writeProblem } from "./write-response.ts";

/** Writes the response of a regular call: its one message, or its failure. */
export class RegularReply implements AnsweredCall, CallListener {
  readonly number: number;
  readonly isSampled: boolean;
  readonly #response: HttpResponse;
  readonly #replies: UnreadReplies;
  /** undefined = the caller does not ask for one. */
  readonly #coding: ResponseCoding | undefined;
  call: CallHandle | undefined;
  waitTimes: WaitTimes | undefined;
  #isAnswered = false;

  constructor(
    response: HttpResponse,
    coding: ResponseCoding | undefined,
    { replies, number, isSampled }: Pick<DoorOptions, "replies"> & NumberedCall,
  ) {
    this.number = number;
    this.isSampled = isSampled;
    this.#response = response;
    this.#coding = coding;
    this.#replies = replies;
    response.on("close", () => {
      if (!this.#isAnswered) this.call?.abort(cancelled("connectionClosed"));
    });
  }

  onAssigned(waitTimes: WaitTimes): void {
    this.waitTimes = waitTimes;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const parts = resultParts(kind, bytes, this);
    const write = (written: ResponseParts): void =>
      writeReply(this.#response, written, this.#replies);
    if (this.#coding === undefined || !isWorthCompressing(kind, bytes)) write(parts);
    else compressResponse(parts, this.#coding, write);
  }

  onEnd(): void {
    if (!this.#isAnswered) this.onAbort(endedWithoutReply());
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#isAnswered = true;
    writeReply(this.#response, methodErrorParts(kind, bytes, this), this.#replies);
  }

  onAbort(error: LeverError): void {
    this.#isAnswered = true;
    writeProblem(this.#response, error.ofCall(formatCallId(this.number)));
  }

  onDrain(): void {}
}
