import { type DeployReport, type ErrorCode, isErrorCode, LeverError } from "@leveros/protocol";
import type { UploadAnswer } from "./upload.ts";

/** What became of a deploy. */
export type DeployOutcome =
  | { readonly kind: "deployed"; readonly report: DeployReport }
  /** What was sent is not fit to run: the reason, for people. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Lever refused or failed. */
  | { readonly kind: "failed"; readonly error: LeverError };

/** Of Lever's own refusals, those that are about what was sent. */
const ABOUT_THE_SERVICE: ReadonlySet<ErrorCode> = new Set([
  "invalid_service",
  "invalid_archive",
  "start_failed",
  "not_supported",
  "too_large",
]);

/** Reads what the admin service answers to a deploy (SPEC "HTTP API", streaming methods). */
export function readDeployAnswer({ status, headers, body }: UploadAnswer): DeployOutcome {
  const text = body.toString("utf8");
  if (headers["lever-error"] === "method") return failedWith(parseJson(text));
  if (headers["lever-error"] === "platform") {
    return failedWith(parseJson(text) ?? { detail: `Lever answered with status ${status}.` });
  }
  const lines = status === 200 ? text.trim().split("\n").map(parseJson) : [];
  const last = lines.at(-1);
  if (isRecord(last) && "error" in last) return failedWith(last["error"]);
  if (isDeployReport(last)) return { kind: "deployed", report: last };
  return {
    kind: "failed",
    error: new LeverError(
      "unreachable",
      `Cannot read the answer: it has status ${status} and is not from a Lever host.`,
    ),
  };
}

/** A method's error value, or Lever's problem: told apart by what it holds, for a last line has no header. */
function failedWith(value: unknown): DeployOutcome {
  if (typeof value === "string") return { kind: "refused", reason: value };
  if (!isRecord(value) || typeof value["detail"] !== "string") {
    return { kind: "refused", reason: JSON.stringify(value) ?? "no reason was given" };
  }
  const { code, detail } = value;
  // A code that only newer hosts know still means that Lever failed.
  const known = typeof code === "string" && isErrorCode(code) ? code : "internal";
  return ABOUT_THE_SERVICE.has(known)
    ? { kind: "refused", reason: detail }
    : { kind: "failed", error: new LeverError(known, detail) };
}

function isDeployReport(value: unknown): value is DeployReport {
  if (!isRecord(value)) return false;
  const { environment, service, version, methods, times } = value;
  return (
    typeof environment === "string" &&
    typeof service === "string" &&
    typeof version === "number" &&
    Array.isArray(methods) &&
    methods.every((method) => typeof method === "string") &&
    ["archiveBytes", "unpackedBytes", "entries"].every((name) => typeof value[name] === "number") &&
    isRecord(times) &&
    ["uploadMs", "unpackMs", "startMs", "totalMs"].every((name) => typeof times[name] === "number")
  );
}

/** undefined when the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
