import type { Caller, LeverError, Payload, WaitTimes } from "@leveros/protocol";
import type { MethodMeter } from "../metrics/method-meter.ts";
import type { ChainLink } from "./chain-link.ts";
import type { InstanceTarget } from "./instance-target.ts";

/** A call as a recorder reads it, while it runs or at its end. */
export interface RecordedCall extends ChainLink {
  readonly route: { readonly environment: string; readonly service: string };
  /** The same text for all calls of the method, where the method is known. */
  readonly methodName: string;
  readonly resource: string;
  readonly caller: Caller;
  readonly isStream: boolean;
  readonly bodyBytes: number;
  /** By the router's clock. */
  readonly arrivedAt: number;
  /** 0 = it runs. */
  readonly endedAt: number;
  /** undefined = it has not waited, or still does. */
  readonly waitTimes: WaitTimes | undefined;
  /** undefined = no instance has it. */
  readonly instance: Pick<InstanceTarget, "instance" | "version"> | undefined;
  /** A call in its course has a trace that is worth keeping. */
  isNotable: boolean;
}

/** The end of a call that failed: Lever's error, or the value that the method failed with. */
export type CallFailure = LeverError | Payload;

/** Remembers the calls that have ended. */
export interface CallRecorder {
  /** Calls with such a number are sampled, if they are made in the course of no other. */
  isSampled(number: number): boolean;
  /** Called once for each call. `failure` undefined = it has succeeded. */
  record(
    call: RecordedCall,
    failure: CallFailure | undefined,
    meter: MethodMeter | undefined,
  ): void;
}

/** True for the calls of the router, among links of a chain and listeners of an instance's calls. */
export function isRecordedCall(call: object): call is RecordedCall {
  return "isNotable" in call;
}
