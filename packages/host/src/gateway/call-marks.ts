import type { IncomingHttpHeaders } from "node:http";
import { nextCallNumber } from "../router/call-numbers.ts";

/** The fields that identify a call in its trace. */
export interface NumberedCall {
  readonly number: number;
  /** Its caller asks for its trace, and for its id in the response. */
  readonly isSampled: boolean;
}

/** Numbers a call from outside. */
export function numberCall(headers: IncomingHttpHeaders): NumberedCall {
  return { number: nextCallNumber(), isSampled: asksForTrace(headers) };
}

export function asksForTrace(headers: IncomingHttpHeaders): boolean {
  return headers["lever-trace"] === "1";
}
