import type { LeverError, Limits } from "@leveros/protocol";
import type { Admission, AdmittedCall } from "../../admission/admit-call.ts";
import { bodyTooSlow } from "../body.ts";
import { readingHeaders } from "../cors.ts";
import type { Headers } from "../response-parts.ts";
import { headTooSlow } from "../server.ts";
import type { FastRequest } from "./head-reader.ts";
import type { IncomingBody } from "./incoming-body.ts";
import type { OtherExchange } from "./other-request.ts";
import type { FastReply } from "./reply.ts";
import type { UploadExchange } from "./upload-exchange.ts";

/** A connection's state. Each has its own fields, so that no field of another state can be read. */
export type ConnectionState =
  | HeadState
  | BodyState
  | FastReply
  | OtherExchange
  | UploadExchange
  | ClosedState;

/** The next request has not arrived, or a part of its head. */
export interface HeadState {
  readonly phase: "head";
  readonly isBegun: boolean;
}

/** Node's server has the connection, or it is closed. */
export interface ClosedState {
  readonly phase: "closed";
}

/** No request has come on the connection yet. */
export const NEW: HeadState = { phase: "head", isBegun: false };
export const IDLE: HeadState = { phase: "head", isBegun: false };
export const IN_HEAD: HeadState = { phase: "head", isBegun: true };
export const CLOSED: ClosedState = { phase: "closed" };

/** The head is known, and the body arrives in more than one piece, or in chunks. Any other body skips this state. */
export class BodyState {
  readonly phase = "body";
  readonly request: FastRequest;
  readonly admitted: AdmittedCall;
  readonly body: IncomingBody;

  constructor(request: FastRequest, admitted: AdmittedCall, body: IncomingBody) {
    this.request = request;
    this.admitted = admitted;
    this.body = body;
  }
}

type WaitLimits = Pick<Limits, "idleConnectionTimeoutMs" | "headersTimeoutMs" | "requestTimeoutMs">;

/** The time that a caller has for what it must send in this state. */
export function callerTimeoutMs(state: HeadState | BodyState, limits: WaitLimits): number {
  if (state.phase === "body") return limits.requestTimeoutMs;
  return state === IDLE ? limits.idleConnectionTimeoutMs : limits.headersTimeoutMs;
}

/** The response to a caller that took longer; undefined = none, the connection was idle. */
export function timeoutError(state: ConnectionState, limits: WaitLimits): LeverError | undefined {
  if (state.phase === "body") return bodyTooSlow(limits.requestTimeoutMs);
  return state === IN_HEAD ? headTooSlow() : undefined;
}

/** The fields of such a response that let pages read it. Without a complete head, none may. */
export function rejectionHeaders(
  state: ConnectionState,
  admission: Pick<Admission, "readableOrigin">,
): Headers | undefined {
  if (state.phase !== "body") return undefined;
  const { head } = state.request;
  const origin = admission.readableOrigin(head.target.environment, head);
  return origin === undefined ? undefined : readingHeaders(origin);
}
