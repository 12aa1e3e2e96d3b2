import { type ErrorCode, LeverError } from "@leveros/protocol";

/** `reason` is the end of a sentence, with or without its full stop. */
export function transformError(reason: string, code: ErrorCode = "invalid_service"): LeverError {
  const dot = /[.!?]$/.test(reason) ? "" : ".";
  return new LeverError(code, `Cannot transform the TypeScript: ${reason}${dot}`);
}
