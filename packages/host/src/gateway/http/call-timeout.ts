import { LeverError, type Limits, parseDurationMs } from "@leveros/protocol";
import { type RequestHead, requestQuery } from "./request-target.ts";

/**
 * The deadline that a request asks for by `lever-timeout`, or by `?timeout=` where no header can be set: milliseconds, or a
 * number with a unit (`10s`, `1.5m`). 0 = it asks for none. An error = the text is malformed, or the time is over the limit.
 */
export function askedTimeoutMs(
  request: RequestHead,
  { callTimeoutMaxMs }: Pick<Limits, "callTimeoutMaxMs">,
): number | LeverError {
  const header = request.headers["lever-timeout"] ?? queryTimeout(request);
  if (header === undefined) return 0;
  const timeoutMs = parseDurationMs(String(header));
  if (timeoutMs !== undefined && timeoutMs <= callTimeoutMaxMs) return timeoutMs;
  return new LeverError(
    "malformed_request",
    `Cannot read the header lever-timeout: found is ${JSON.stringify(String(header).slice(0, 40))}; allowed is 1 to ${callTimeoutMaxMs} milliseconds, or a number with ms, s, m or h.`,
  );
}

function queryTimeout(request: RequestHead): string | undefined {
  // Most calls have none, so the query is not parsed to find out.
  if (request.url?.includes("timeout=") !== true) return undefined;
  return requestQuery(request).get("timeout") ?? undefined;
}
