import { LeverError } from "@leveros/protocol";
import type { HttpRequest } from "./exchange.ts";

/**
 * True when the caller sends the body only once it is asked for it (RFC 9110, 10.1.1).
 * @throws LeverError `expectation_failed` for any other expectation
 */
export function isBodyAwaited({ headers: { expect }, httpVersion }: HttpRequest): boolean {
  if (expect === undefined || httpVersion === "1.0") return false;
  if (expect.toLowerCase() === "100-continue") return true;
  throw new LeverError(
    "expectation_failed",
    `Cannot meet the expectation ${JSON.stringify(expect.slice(0, 40))}: allowed is 100-continue.`,
  );
}
