import { LeverError } from "./errors.ts";
import { FETCH_METHOD } from "./method-name.ts";

// The errors that more than one transport reports, so that each has one wording.

const cancelMessages = {
  caller: "The caller cancelled the call.",
  callerFailed: "The caller ended the call with an error.",
  connectionClosed: "The caller closed its connection.",
  readerStopped: "The caller stopped reading the stream.",
} as const;

/** The error of a call that its caller's side has ended. */
export function cancelled(reason: keyof typeof cancelMessages): LeverError {
  return new LeverError("cancelled", cancelMessages[reason]);
}

/** The error of a regular call that ended without a result and without an error. */
export function endedWithoutReply(): LeverError {
  return new LeverError("instance_failed", "The method ended without a reply.");
}

/** The error of a streaming method that was called as a regular one, or the reverse. */
export function wrongMethodKind(method: string, isStreaming: boolean): LeverError {
  if (method === FETCH_METHOD) {
    const text =
      "fetch answers HTTP requests, and is no method: send a request to the path of its service.";
    return new LeverError("wrong_method_kind", text);
  }
  const [kind, otherKind] = isStreaming ? ["streaming", "regular"] : ["regular", "streaming"];
  return new LeverError(
    "wrong_method_kind",
    `${method} is a ${kind} method, and was called as a ${otherKind} one.`,
  );
}
