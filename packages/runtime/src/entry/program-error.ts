import { LeverError } from "@leveros/protocol";

/** The error of a call that the program ended with this gRPC status and message. */
export function statusError(status: number, message: string | string[] | undefined): LeverError {
  const text = decodeMessage(String(message ?? ""));
  switch (status) {
    case 1:
      return new LeverError("cancelled", text || "The service cancelled the call.");
    case 3:
      return new LeverError("malformed_request", text || "The service cannot read the call.");
    case 4:
      return new LeverError("deadline_exceeded", text || "The call's deadline has passed.");
    case 8:
      return new LeverError("overloaded", text || "The service is overloaded.");
    case 12:
      return new LeverError("unknown_method", text || "The service has no such method.");
    default:
      return programFailed(
        `it responded with gRPC status ${status}${text === "" ? "" : `: ${text}`}`,
      );
  }
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The error of a call that the program or its connection failed. */
export function programFailed(reason: string): LeverError {
  return new LeverError("instance_failed", `The service's program failed the call: ${reason}.`);
}

/** The error of a message that cannot be encoded for the program. */
export function asMalformed(error: unknown): LeverError {
  if (error instanceof LeverError) return error;
  return new LeverError("malformed_request", `Cannot forward the message: ${String(error)}.`);
}
