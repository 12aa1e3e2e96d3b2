import { type ErrorCode, LeverError } from "@leveros/protocol";

/** The exit statuses of the lever command. */
export const exitStatus = {
  success: 0,
  /** The method failed, or the service cannot be deployed as it is. */
  failed: 1,
  /** The command line is not valid. */
  usage: 2,
  /** Lever rejected the command, or no host answered. */
  lever: 3,
  /** A second Ctrl-C ended the command. Shells report it with this number. */
  interrupted: 130,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** Ends a command with an error text and an exit status. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly status: ExitStatus;

  constructor(status: ExitStatus, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
  }
}

/** The error for a command line that is not valid. */
export function usageError(message: string): CommandError {
  return new CommandError(exitStatus.usage, message);
}

/** Turns any error that ended a command into a text and an exit status. */
export function describeFailure(error: unknown): { text: string; status: ExitStatus } {
  if (error instanceof CommandError) return { text: error.message, status: error.status };
  if (error instanceof LeverError) {
    if (error.code === "method_failed") {
      return { text: `the method failed${describeValue(error.value)}`, status: exitStatus.failed };
    }
    if (error.grpcStatus !== undefined) {
      return {
        text: `the method failed: ${error.message} (${error.code})`,
        status: exitStatus.failed,
      };
    }
    const text = `${error.message} (${error.code})${remedy(error)}`;
    return { text, status: exitStatus.lever };
  }
  // A bug in the command: its report needs the stack.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text, status: exitStatus.lever };
}

/** When a method fails with bytes, the error shows this many of them. */
const ERROR_BYTES_SHOWN = 768;

function describeValue(value: unknown): string {
  if (!(value instanceof Uint8Array)) return `: ${JSON.stringify(value)}`;
  const shown = Buffer.from(value.subarray(0, ERROR_BYTES_SHOWN)).toString("base64");
  const cut = value.length > ERROR_BYTES_SHOWN ? "…" : "";
  return ` with ${value.length} bytes, in base64: ${shown}${cut}`;
}

const remedies: Partial<Record<ErrorCode, string>> = {
  unreachable:
    "Start a host with: lever up\nTo use a host elsewhere, name it with -H HOST:PORT or LEVEROS_IP_PORT.",
  unknown_environment:
    "Name another environment with -E or LEVEROS_ENV, or list them with: lever env ls",
  unknown_service: "List the deployed services with: lever ls",
  unknown_method: "List the methods of a service with: lever ls <service>",
};

function remedy(error: LeverError): string {
  if (error.retryAfterSeconds !== undefined) {
    return `\nTry again in ${error.retryAfterSeconds} s.`;
  }
  const text = remedies[error.code];
  return text === undefined ? "" : `\n${text}`;
}
