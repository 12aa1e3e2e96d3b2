import type { IncomingHttpHeaders } from "node:http";
import { parseTraceparent, type TraceContext } from "@leveros/protocol";
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

/** The calls of this process that are sampled because of their `traceparent`: a proxy may mark every request. */
let second = 0;
let sampledInSecond = 0;

/** Numbers a call from outside. */
export function numberCall(
  headers: IncomingHttpHeaders,
  {
    traceSampledEach: each,
    traceSampledPerSecondMax: perSecondMax,
  }: Pick<GatewayLimits, "traceSampledEach" | "traceSampledPerSecondMax">,
): NumberedCall {
  const trace = tracedBy(headers);
  const number = nextCallNumber();
  const isSampled = isSampledNumber(number, each) || isSampledBy(headers, trace, perSecondMax);
  return { number, isSampled, trace };
}

/** The trace of the header `traceparent`; undefined = there is none, or it is malformed. */
export function tracedBy(headers: IncomingHttpHeaders): ReturnType<typeof parseTraceparent> {
  const { traceparent } = headers;
  return typeof traceparent === "string" ? parseTraceparent(traceparent) : undefined;
}

/**
 * The caller asks for the trace by `lever-trace: 1`, or by the flag of its own trace, which holds for so many calls per
 * second of this process.
 */
export function isSampledBy(
  headers: IncomingHttpHeaders,
  trace: { readonly isSampled: boolean } | undefined,
  perSecondMax: number,
): boolean {
  if (headers["lever-trace"] === "1") return true;
  if (trace?.isSampled !== true) return false;
  const now = Math.floor(systemClock.now() / 1_000);
  if (now !== second) {
    second = now;
    sampledInSecond = 0;
  }
  sampledInSecond++;
  return sampledInSecond <= perSecondMax;
}
