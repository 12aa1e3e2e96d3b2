import type { DeployReport } from "@leveros/protocol";
import type { VersionRecord } from "../store/store.ts";

interface DeployTimes {
  readonly startedAt: number;
  readonly receivedAt: number;
  /** When a slot for the deploy was free. */
  readonly turnAt: number;
  readonly unpackedAt: number;
  readonly startMs: number;
  readonly endedAt: number;
}

interface DeployedFacts {
  readonly warnings: readonly string[];
  readonly entries: number;
  readonly transformMs: number | undefined;
  /** See `DeployReport`. */
  readonly hostName: string | undefined;
}

/** The report of a version that is live now. */
export function deployReport(
  record: VersionRecord,
  facts: DeployedFacts,
  { startedAt, receivedAt, turnAt, unpackedAt, startMs, endedAt }: DeployTimes,
): DeployReport {
  const { environment, service, version, methods, archiveBytes, unpackedBytes } = record;
  const { warnings, entries, transformMs, hostName } = facts;
  const waitMs = Math.round(turnAt - receivedAt);
  return {
    environment,
    service,
    version,
    methods,
    warnings,
    archiveBytes,
    unpackedBytes,
    entries,
    ...(hostName !== undefined && { hostName }),
    times: {
      uploadMs: Math.round(receivedAt - startedAt),
      ...(waitMs > 0 && { waitMs }),
      unpackMs: Math.round(unpackedAt - turnAt - (transformMs ?? 0)),
      ...(transformMs !== undefined && { transformMs: Math.round(transformMs) }),
      startMs: Math.round(startMs),
      totalMs: Math.round(endedAt - startedAt),
    },
  };
}
