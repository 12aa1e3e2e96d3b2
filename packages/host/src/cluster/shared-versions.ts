/**
 * Versions of the things that hosts share. Each host announces the range that it can use, so that an old Lever works beside a
 * new one while hosts are updated one after the other.
 */
import { LINK_VERSION } from "@leveros/protocol";

export interface VersionRange {
  readonly oldest: number;
  readonly newest: number;
}

export interface SharedVersions {
  /** Formats of the tables. All hosts use the one that the database has. */
  readonly formats: VersionRange;
  /** Versions of the links between hosts. Two hosts use the newest that both have. */
  readonly links: VersionRange;
}

export const SHARED_VERSIONS: SharedVersions = {
  formats: { oldest: 1, newest: 1 },
  links: { oldest: LINK_VERSION, newest: LINK_VERSION },
};

/** The newest format that every active host reads: the database gets it. */
export function formatFor(
  hosts: readonly { readonly state: string; readonly formats: VersionRange }[],
): number {
  const newest = hosts.flatMap(({ state, formats }) => (state === "active" ? formats.newest : []));
  return newest.length === 0 ? 0 : Math.min(...newest);
}

export function hasCommon(one: VersionRange, other: VersionRange): boolean {
  return one.oldest <= other.newest && other.oldest <= one.newest;
}

/** As the object of a sentence. */
export function describeRange({ oldest, newest }: VersionRange): string {
  return oldest === newest ? `version ${oldest}` : `versions ${oldest} to ${newest}`;
}
