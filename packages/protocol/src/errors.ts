/** Every error of Lever itself, with its HTTP status. Codes are stable: programs decide by them, never by text. */
const statusByCode = {
  malformed_request: 400,
  wrong_method_kind: 400,
  invalid_service: 400,
  invalid_archive: 400,
  not_supported: 400,
  unauthorized: 401,
  forbidden: 403,
  private_service: 403,
  unknown_environment: 404,
  unknown_service: 404,
  unknown_method: 404,
  /** Also from the program of an `entry` service. */
  not_found: 404,
  wrong_http_method: 405,
  request_timeout: 408,
  /** Something that exists is in the way. */
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  headers_too_large: 431,
  cancelled: 499,
  internal: 500,
  instance_failed: 502,
  start_failed: 502,
  resource_failed: 502,
  overloaded: 503,
  unavailable: 503,
  /** No host may own the resource now. */
  resource_unavailable: 503,
  deadline_exceeded: 504,
  /** These come only from the program of an `entry` service, as gRPC statuses (`grpcStatus`). */
  unknown: 500,
  invalid_argument: 400,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  data_loss: 500,
  unauthenticated: 401,
  /** In clients only: the method failed, with the error `value`. */
  method_failed: 500,
  /** In clients only: no Lever host answered. */
  unreachable: 503,
} as const;

export type ErrorCode = keyof typeof statusByCode;

export function errorCodes(): readonly ErrorCode[] {
  return Object.keys(statusByCode).filter(isErrorCode);
}

/** Whether a text from a wire is the code of an error. */
function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(statusByCode, text);
}

/** The HTTP status that goes with a code. */
export function errorStatus(code: ErrorCode): number {
  return statusByCode[code];
}

/** True for a number that gRPC defines as the status of a failed call (grpc/doc/statuscodes.md). */
function isGrpcFailure(status: unknown): status is number {
  return Number.isInteger(status) && Number(status) >= 1 && Number(status) <= 16;
}

/** The RFC 9457 form of a LeverError. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly grpcStatus?: number;
  /** Id of the call: `lever trace` shows it. */
  readonly call?: string;
}

/** The only error class of Lever: `code` is for programs, `message` for people. */
export class LeverError extends Error {
  override readonly name = "LeverError";
  readonly code: ErrorCode;
  /** With `method_failed`: the error of the method, a JSON value or bytes. */
  declare readonly value: unknown;
  /** With `overloaded`: when to try again, in seconds. */
  declare readonly retryAfterSeconds: number | undefined;
  /** The message for callers who may not see what the service prints; undefined = `message` is for all. */
  declare readonly publicMessage: string | undefined;
  /** The gRPC status with which the service's program ended the call; undefined = the error is not the program's. */
  declare readonly grpcStatus: number | undefined;
  /** Id of the call that ended with it (`formatCallId`), where it is known. */
  declare readonly call: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      cause?: unknown;
      value?: unknown;
      retryAfterSeconds?: number | undefined;
      grpcStatus?: number | undefined;
      publicMessage?: string | undefined;
      call?: string | undefined;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    // Properties that are undefined would be printed with each error that a service logs.
    const { value, retryAfterSeconds, grpcStatus, publicMessage, call } = options;
    if (value !== undefined) this.value = value;
    if (retryAfterSeconds !== undefined) this.retryAfterSeconds = retryAfterSeconds;
    if (grpcStatus !== undefined) this.grpcStatus = grpcStatus;
    if (publicMessage !== undefined) this.publicMessage = publicMessage;
    if (call !== undefined) this.call = call;
  }

  /**
   * True also for errors of another copy of this class: in an instance, the runtime has one, the client a second, and a service
   * may have installed a third.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return (
      value instanceof Error &&
      value.name === "LeverError" &&
      "code" in value &&
      typeof value.code === "string" &&
      isErrorCode(value.code)
    );
  }

  toProblem(): Problem {
    return {
      title: this.code.replaceAll("_", " "),
      status: errorStatus(this.code),
      detail: this.message,
      code: this.code,
      ...(this.grpcStatus !== undefined && { grpcStatus: this.grpcStatus }),
      ...(this.call !== undefined && { call: this.call }),
    };
  }

  /** The same error as the end of a call with this id, unless it has the id of one. */
  ofCall(id: string): LeverError {
    if (this.call !== undefined) return this;
    return new LeverError(this.code, this.message, { ...this, cause: this.cause, call: id });
  }
}

/** Longer than each id of a call. */
const CALL_ID_LENGTH_MAX = 20;

/** The fields of an error that another process sent. */
export interface SentError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly retryAfterSeconds?: unknown;
  readonly grpcStatus?: unknown;
  readonly call?: unknown;
}

/**
 * The error for these fields. A malformed one counts as absent. An unknown code, from a newer host, still means that Lever
 * failed.
 * @param otherwise the message if there is none.
 */
export function readSentError(sent: SentError, otherwise: string): LeverError {
  const { code, message, retryAfterSeconds, grpcStatus, call } = sent;
  return new LeverError(
    typeof code === "string" && isErrorCode(code) ? code : "internal",
    typeof message === "string" ? message : otherwise,
    {
      retryAfterSeconds: typeof retryAfterSeconds === "number" ? retryAfterSeconds : undefined,
      grpcStatus: isGrpcFailure(grpcStatus) ? grpcStatus : undefined,
      call: typeof call === "string" && call.length <= CALL_ID_LENGTH_MAX ? call : undefined,
    },
  );
}
