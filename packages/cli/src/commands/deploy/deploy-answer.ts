import {
  type DeployProgress,
  type DeployReport,
  type ErrorCode,
  isJsonObject,
  LeverError,
  readSentError,
} from "@leveros/protocol";
import type { UploadAnswer } from "./upload.ts";

/** The outcome of a deploy. */
export type DeployOutcome =
  | { readonly kind: "deployed"; readonly report: DeployReport }
  /** The service cannot be deployed as it is. The reason is a text for the user. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Lever itself rejected the deploy, or failed. */
  | { readonly kind: "failed"; readonly error: LeverError };

/** Errors of Lever whose cause is the content of the archive. */
const CONTENT_ERRORS: ReadonlySet<ErrorCode> = new Set([
  "invalid_service",
  "invalid_archive",
  "start_failed",
  "not_supported",
  "too_large",
]);

/**
 * Reads the answer of the admin service to a deploy. It has the form of every streaming method over HTTP: lines of JSON,
 * and an error as the last line if it occurs after the first one.
 */
export function readDeployAnswer({ status, headers, body }: UploadAnswer): DeployOutcome {
  const text = body.toString("utf8");
  if (headers["lever-error"] === "method") return failedWith(parseJson(text));
  if (headers["lever-error"] === "platform") {
    return failedWith(parseJson(text) ?? { detail: `Lever answered with status ${status}.` });
  }
  const lines = status === 200 ? text.trim().split("\n").map(parseJson) : [];
  const last = lines.at(-1);
  if (isJsonObject(last) && "error" in last) return failedWith(last["error"]);
  if (isDeployReport(last)) return { kind: "deployed", report: last };
  return {
    kind: "failed",
    error: new LeverError(
      "unreachable",
      `Cannot read the answer: it has status ${status} and is not from a Lever host.`,
    ),
  };
}

/** The value is either a method's error or a problem of Lever. A last line has no header that distinguishes them. */
function failedWith(value: unknown): DeployOutcome {
  if (typeof value === "string") return { kind: "refused", reason: value };
  if (!isJsonObject(value) || typeof value["detail"] !== "string") {
    return { kind: "refused", reason: JSON.stringify(value) ?? "the host gave no reason." };
  }
  const error = readSentError({ ...value, message: value["detail"] }, "");
  return CONTENT_ERRORS.has(error.code)
    ? { kind: "refused", reason: error.message }
    : { kind: "failed", error };
}

/** The progress in a line of the answer, while it arrives; undefined = the line is something else. */
export function progressIn(line: string): DeployProgress | undefined {
  const value = parseJson(line);
  if (!isJsonObject(value)) return undefined;
  const { progress, running, waiting } = value;
  if (progress === "starting") return { progress };
  const isWaiting =
    progress === "waiting" && typeof running === "number" && typeof waiting === "number";
  return isWaiting ? { progress, running, waiting } : undefined;
}

function isDeployReport(value: unknown): value is DeployReport {
  if (!isJsonObject(value)) return false;
  const { environment, service, version, methods, times } = value;
  return (
    typeof environment === "string" &&
    typeof service === "string" &&
    typeof version === "number" &&
    Array.isArray(methods) &&
    methods.every((method) => typeof method === "string") &&
    ["archiveBytes", "unpackedBytes", "entries"].every((name) => typeof value[name] === "number") &&
    isJsonObject(times) &&
    ["uploadMs", "unpackMs", "startMs", "totalMs"].every((name) => typeof times[name] === "number")
  );
}

/** Returns undefined for a text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
