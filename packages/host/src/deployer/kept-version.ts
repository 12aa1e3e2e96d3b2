import { LeverError } from "@leveros/protocol";
import type { VersionRecord } from "../store/store.ts";

/** @throws LeverError `not_found` when the version is not kept. */
export function findVersion(
  kept: readonly VersionRecord[],
  { service, live, wanted }: { service: string; live: number; wanted: number | undefined },
): VersionRecord {
  const record = kept.find(({ version }) =>
    wanted === undefined ? version < live : version === wanted,
  );
  if (record !== undefined) return record;
  const numbers = kept.map(({ version }) => version).join(", ");
  const what = wanted === undefined ? "older version" : `version ${wanted}`;
  throw new LeverError(
    "not_found",
    `Cannot roll back ${service}: there is no ${what}; kept are ${numbers}, and ${live} is live.`,
  );
}

export function unknownService(environment: string, service: string): LeverError {
  return new LeverError("unknown_service", `There is no service ${service} in ${environment}.`);
}
