import { LeverError } from "@leveros/protocol";

/** The error of a call; an error of the decoder means that a message is malformed. */
export function asCallError(error: unknown): LeverError {
  if (error instanceof LeverError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return malformed(`a message is malformed (${reason})`);
}

/** The error of a gRPC call that breaks the protocol. */
export function malformed(reason: string): LeverError {
  return new LeverError("malformed_request", `Cannot read the gRPC call: ${reason}.`);
}
