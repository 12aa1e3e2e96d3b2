import type { IncomingHttpHeaders } from "node:http";
import { defaultLimits, type Limits, parseTraceparent, type TraceContext } from "@leveros/protocol";
import { systemClock } from "../clock.ts";
import { isSampledNumber, nextCallNumber } from "../router/call-numbers.ts";
import type { GatewayLimits } from "./gateway-limits.ts";

/** The fields of a call that its trace is made of. */
export interface NumberedCall {
  readonly number: number;
  /** Its trace is kept, and its response has its id: its caller asks for that, or it is one of many that are sampled. */
  readonly isSampled: boolean;
  /** The trace that its caller names. */
  readonly trace: TraceContext | undefined;
}

/** Calls per second that are sampled because of their `traceparent`: a proxy may mark every request. */
let sampledPerSecondMax = defaultLimits.traceSampledPerSecondMax;
let second = 0;
let sampledInSecond = 0;

/** The limit of this process from now on. */
export function limitSampled({
  traceSampledPerSecondMax,
}: Pick<Limits, "traceSampledPerSecondMax">): void {
  sampledPerSecondMax = traceSampledPerSecondMax;
}

/** Numbers a call from outside. */
export function numberCall(
  headers: IncomingHttpHeaders,
  { traceSampledEach }: Pick<GatewayLimits, "traceSampledEach">,
): NumberedCall {
  const trace = tracedBy(headers);
  const number = nextCallNumber();
  const isSampled = isSampledNumber(number, traceSampledEach) || isSampledBy(headers, trace);
  return { number, isSampled, trace };
}

/** The trace of the header `traceparent`; undefined = there is none, or it is malformed. */
export function tracedBy(headers: IncomingHttpHeaders): ReturnType<typeof parseTraceparent> {
  const { traceparent } = headers;
  return typeof traceparent === "string" ? parseTraceparent(traceparent) : undefined;
}

/** The caller asks for the trace by `lever-trace: 1`, or by the flag of its own trace. */
export function isSampledBy(
  headers: IncomingHttpHeaders,
  trace: { readonly isSampled: boolean } | undefined,
): boolean {
  if (headers["lever-trace"] === "1") return true;
  if (trace?.isSampled !== true) return false;
  const now = Math.floor(systemClock.now() / 1_000);
  if (now !== second) {
    second = now;
    sampledInSecond = 0;
  }
  sampledInSecond++;
  return sampledInSecond <= sampledPerSecondMax;
}
