import { ArrivingBody, type BodyMemory, type LeverError, type Limits } from "@leveros/protocol";
import type { AdmittedCall } from "../../admission/admit-call.ts";
import { bodyTooSlow } from "../body.ts";
import { headTooSlow } from "../server.ts";
import type { FastRequest } from "./head-reader.ts";
import type { FastReply } from "./reply.ts";

/** A connection's state. Each has its own fields, so that no field of another state can be read. */
export type ConnectionState = HeadState | BodyState | FastReply | ClosedState;

/** The next request has not arrived, or a part of its head. */
export interface HeadState {
  readonly phase: "head";
  readonly isBegun: boolean;
}

/** Node's server has the connection, or it is closed. */
export interface ClosedState {
  readonly phase: "closed";
}

export const IDLE: HeadState = { phase: "head", isBegun: false };
export const IN_HEAD: HeadState = { phase: "head", isBegun: true };
export const CLOSED: ClosedState = { phase: "closed" };

/** The head is known, and the body arrives in more than one piece. A body in one piece skips this state. */
export class BodyState {
  readonly phase = "body";
  readonly request: FastRequest;
  readonly admitted: AdmittedCall;
  readonly arriving: ArrivingBody<Buffer>;

  constructor(request: FastRequest, admitted: AdmittedCall, source: BodyMemory<Buffer>) {
    this.request = request;
    this.admitted = admitted;
    const { bodyBytes } = request.head;
    this.arriving = new ArrivingBody(source, { bytesMax: bodyBytes, isLengthKnown: true });
  }

  /** Copies the bytes that belong to the body, and returns how many those are. */
  receive(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.request.head.bodyBytes - this.arriving.bytes);
    if (taken > 0) this.arriving.add(bytes.subarray(0, taken));
    return taken;
  }

  get isComplete(): boolean {
    return this.arriving.bytes === this.request.head.bodyBytes;
  }
}

type WaitLimits = Pick<Limits, "idleConnectionTimeoutMs" | "headersTimeoutMs" | "requestTimeoutMs">;

/** The time that a caller has for what it must send in this state. */
export function callerTimeoutMs(state: HeadState | BodyState, limits: WaitLimits): number {
  if (state.phase === "body") return limits.requestTimeoutMs;
  return state.isBegun ? limits.headersTimeoutMs : limits.idleConnectionTimeoutMs;
}

/** The response to a caller that took longer; undefined = none, the connection was idle. */
export function timeoutError(state: ConnectionState, limits: WaitLimits): LeverError | undefined {
  if (state.phase === "body") return bodyTooSlow(limits.requestTimeoutMs);
  return state === IDLE ? undefined : headTooSlow();
}
