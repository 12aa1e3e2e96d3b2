import {
  type CallRecord,
  type ErrorCode,
  formatCallId,
  LeverError,
  PAYLOAD_JSON,
  type StartTimes,
  type TraceContext,
} from "@leveros/protocol";
import type { CallFailure, RecordedCall } from "../router/call-recorder.ts";

const ERROR_LENGTH_MAX = 500;
const RESOURCE_LENGTH_MAX = 200;

/** The parts of a call that only those have that failed, waited, or are sampled. */
export interface CallDetails {
  readonly resource: string;
  /** undefined = it has succeeded. */
  readonly code: ErrorCode | undefined;
  readonly error: string | undefined;
  readonly waitMs: number | undefined;
  readonly start: StartTimes | undefined;
  readonly trace: TraceContext | undefined;
}

/** A call that has ended, or that runs: then `endedAt` is now. */
export interface CallEnd {
  readonly number: number;
  /** 0 = it was made in the course of no other. */
  readonly parent: number;
  readonly root: number;
  /** By the host's clock. */
  readonly arrivedAt: number;
  readonly endedAt: number;
  readonly bodyBytes: number;
  /** 0 = no instance had it. */
  readonly version: number;
  readonly instance: string | undefined;
  readonly environment: string;
  readonly service: string;
  readonly method: string;
  /** The service that called; undefined = the caller is outside. */
  readonly caller: string | undefined;
  readonly details: CallDetails | undefined;
  readonly isRunning?: boolean;
}

export function detailsOf(call: RecordedCall, failure: CallFailure | undefined): CallDetails {
  const { resource, waitTimes } = call;
  return {
    resource: ownText(resource.slice(0, RESOURCE_LENGTH_MAX)),
    code: failure && codeOf(failure),
    error: failure && ownText(textOf(failure).slice(0, ERROR_LENGTH_MAX)),
    waitMs: waitTimes?.waitMs,
    start: waitTimes?.start,
    trace: call.trace,
  };
}

/** A call that runs at this time of the host's clock. */
export function runningCall(call: RecordedCall, now: number): CallEnd {
  const { instance, route } = call;
  return {
    number: call.number,
    parent: call.parent?.number ?? 0,
    root: call.root,
    arrivedAt: call.arrivedAt,
    endedAt: now,
    bodyBytes: call.bodyBytes,
    version: instance?.version ?? 0,
    instance: instance?.instance,
    environment: route.environment,
    service: route.service,
    method: call.methodName,
    caller: callingService(call),
    details: detailsOf(call, undefined),
    isRunning: true,
  };
}

/** `wallTimeOffset` = milliseconds since 1970, minus the host's clock. */
export function recordOf(call: CallEnd, wallTimeOffset: number): CallRecord {
  const { details, version, instance, parent, caller } = call;
  const { resource, code, error, waitMs, start } = details ?? {};
  return {
    id: formatCallId(call.number),
    ...(parent !== 0 && { parent: formatCallId(parent) }),
    service: call.service,
    method: call.method,
    ...(resource !== undefined && resource !== "" && { resource }),
    ...(caller !== undefined && { caller }),
    ...(instance !== undefined && { version, instance }),
    at: new Date(call.arrivedAt + wallTimeOffset).toISOString(),
    ms: Math.round((call.endedAt - call.arrivedAt) * 100) / 100,
    outcome: call.isRunning === true ? "running" : (code ?? "ok"),
    ...(error !== undefined && { error }),
    ...(waitMs !== undefined && { waitMs: Math.round(waitMs * 100) / 100 }),
    ...(start !== undefined && { start }),
    bodyBytes: call.bodyBytes,
  };
}

/** undefined = the caller is outside. */
export function callingService({ caller }: Pick<RecordedCall, "caller">): string | undefined {
  return caller.kind === "service" ? caller.service : undefined;
}

export function codeOf(failure: CallFailure): ErrorCode {
  return failure instanceof LeverError ? failure.code : "method_failed";
}

function textOf(failure: CallFailure): string {
  if (failure instanceof LeverError) return failure.message;
  const { kind, bytes } = failure;
  if (kind !== PAYLOAD_JSON) return `${bytes.length} bytes`;
  const { buffer, byteOffset, length } = bytes;
  // A character has four bytes at most.
  const text = Buffer.from(buffer, byteOffset, Math.min(length, 4 * ERROR_LENGTH_MAX)).toString();
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    // It is cut off, or the instance has sent no JSON.
    return text;
  }
}

/** A copy: a part of a text keeps all of it in memory. */
function ownText(text: string): string {
  return Buffer.from(text).toString();
}
