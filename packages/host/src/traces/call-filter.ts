import type { CallFilter, CallRecord } from "@leveros/protocol";
import type { CallEnd } from "./call-end.ts";

export function isWanted(
  call: CallEnd,
  environment: string,
  { service, errors, slowerThanMs }: CallFilter,
): boolean {
  return (
    call.environment === environment &&
    (service === undefined || call.service === service) &&
    (errors !== true || call.details?.code !== undefined) &&
    (slowerThanMs === undefined || call.endedAt - call.arrivedAt > slowerThanMs)
  );
}

export function isWantedRecord(
  { service: of, outcome, ms }: CallRecord,
  { service, errors, slowerThanMs }: CallFilter,
): boolean {
  return (
    (service === undefined || of === service) &&
    (errors !== true || outcome !== "ok") &&
    (slowerThanMs === undefined || ms > slowerThanMs)
  );
}
