/**
 * Every way in which Lever itself refuses or fails, with its HTTP status (SPEC "HTTP API").
 * Codes are stable: callers decide by them, never by text.
 */
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
  wrong_http_method: 405,
  request_timeout: 408,
  too_large: 413,
  headers_too_large: 431,
  cancelled: 499,
  internal: 500,
  instance_failed: 502,
  start_failed: 502,
  resource_failed: 502,
  overloaded: 503,
  unavailable: 503,
  deadline_exceeded: 504,
  /** Only in clients: the method itself failed, and `value` is what it failed with. */
  method_failed: 500,
  /** Only in clients: no Lever host answered. */
  unreachable: 503,
} as const;

export type ErrorCode = keyof typeof statusByCode;

/** True for a code of the table above; text from a wire is checked with it. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(statusByCode, text);
}

/** The HTTP status that goes with a code. */
export function errorStatus(code: ErrorCode): number {
  return statusByCode[code];
}

/** The RFC 9457 form of a LeverError. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
}

/** The one error class: what went wrong (`code`, stable) and for people (`message`). */
export class LeverError extends Error {
  override readonly name = "LeverError";
  readonly code: ErrorCode;
  /** With `method_failed`: the value that the method failed with, as it was (a JSON value, or bytes). */
  readonly value: unknown;
  /** With `overloaded`: when to try again, in seconds. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; value?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.value = options.value;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /**
   * Also of another copy of this class: within an instance the runtime has one, and the client another, which may even be
   * one that the service brought along.
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
    };
  }
}
