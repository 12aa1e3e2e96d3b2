import { type ErrorCode, LeverError } from "@leveros/protocol";

/** What the exit status of the lever command says. */
export const exitStatus = {
  success: 0,
  /** The method failed, or what was to be deployed is not fit to run. */
  failed: 1,
  /** The command was not understood. */
  usage: 2,
  /** Lever refused, or no host answered. */
  lever: 3,
  /** Ended by a second Ctrl-C, as shells report it. */
  interrupted: 130,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** Ends a command: the text for people, and the exit status. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly status: ExitStatus;

  constructor(status: ExitStatus, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
  }
}

/** A command that was not understood. */
export function usageError(message: string): CommandError {
  return new CommandError(exitStatus.usage, message);
}

/** The one place where whatever ended a command becomes text and an exit status. */
export function describeFailure(error: unknown): { text: string; status: ExitStatus } {
  if (error instanceof CommandError) return { text: error.message, status: error.status };
  if (error instanceof LeverError) {
    if (error.code === "method_failed") {
      return { text: `the method failed${describeValue(error.value)}`, status: exitStatus.failed };
    }
    const text = `${error.message} (${error.code})${remedy(error)}`;
    return { text, status: exitStatus.lever };
  }
  // A fault of the command itself: whoever reports it needs to see where.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text, status: exitStatus.lever };
}

/** Of bytes that a method failed with, this many are shown. */
const ERROR_BYTES_SHOWN = 768;

function describeValue(value: unknown): string {
  if (!(value instanceof Uint8Array)) return `: ${JSON.stringify(value)}`;
  const shown = Buffer.from(value.subarray(0, ERROR_BYTES_SHOWN)).toString("base64");
  const cut = value.length > ERROR_BYTES_SHOWN ? "…" : "";
  return ` with ${value.length} bytes, in base64: ${shown}${cut}`;
}

const remedies: Partial<Record<ErrorCode, string>> = {
  unreachable:
    "Start a host with: lever up\nOne that runs elsewhere is named by -H HOST:PORT or by LEVEROS_IP_PORT.",
  unknown_environment: "Environments are named by -E or by LEVEROS_ENV.",
  unknown_service: "See what is deployed with: lever ls",
};

function remedy(error: LeverError): string {
  if (error.retryAfterSeconds !== undefined) {
    return `\nTry again in ${error.retryAfterSeconds} s.`;
  }
  const text = remedies[error.code];
  return text === undefined ? "" : `\n${text}`;
}
