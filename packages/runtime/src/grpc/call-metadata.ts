import { type LeverUrl, parseLeverUrl, withoutPort } from "@leveros/protocol";
import { malformed } from "./call-error.ts";

/** The URL of a call, from its metadata `lever-url`. @throws LeverError `malformed_request` */
export function readUrl(
  header: string | string[] | undefined,
  ownEnvironment: string | undefined,
): LeverUrl {
  if (typeof header !== "string") throw malformed("it has no metadata lever-url");
  const url = parseLeverUrl(header);
  const environment = url.environment === "" ? ownEnvironment : url.environment;
  if (environment === undefined) throw malformed("its lever-url names no environment");
  return { ...url, environment: withoutPort(environment) };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** The metadata `grpc-timeout` in milliseconds (grpc/doc/PROTOCOL-HTTP2.md); 0 = none. @throws LeverError `malformed_request` */
export function readAskedMs(header: string | string[] | undefined): number {
  if (header === undefined) return 0;
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(String(header)) ?? [];
  if (digits === undefined) throw malformed("its grpc-timeout is malformed");
  return Math.max(1, Math.ceil(Number(digits) * (UNIT_MS[unit] ?? 1)));
}
