import type { HostListing, HostsReport } from "@leveros/protocol";
import { HOST_LEASE_MS } from "./lease.ts";
import type { Member } from "./member.ts";
import type { MemberRow } from "./postgres-leases.ts";

/** The hosts of the cluster as one of them sees them. */
export function listHosts(
  member: Pick<Member, "id" | "hosts" | "hostsAgeMs">,
  appliedRevision: number,
): HostsReport {
  const { hosts, hostsAgeMs = null } = member;
  const ageMs = hostsAgeMs ?? 0;
  const newest = Math.max(appliedRevision, ...hosts.map((host) => host.appliedRevision));
  const listings = hosts.map((host): HostListing => {
    const isSelf = host.id === member.id;
    const applied = isSelf ? appliedRevision : host.appliedRevision;
    const leaseMs = leaseLeftMs(host, ageMs);
    return {
      host: host.name,
      id: host.id,
      isSelf,
      state: stateOf(host, leaseMs),
      leaseMs,
      version: host.version,
      revisionsBehind: newest - applied,
      address: host.address,
    };
  });
  const byName = listings.toSorted((a, b) => (a.host < b.host ? -1 : 1));
  return { hosts: byName, readMsAgo: hostsAgeMs === null ? null : Math.round(hostsAgeMs) };
}

function stateOf({ state, isDraining, isIdle }: MemberRow, leaseMs: number): HostListing["state"] {
  if (state !== "active") return state;
  if (leaseMs === 0) return "silent";
  if (!isDraining) return "active";
  return isIdle ? "drained" : "draining";
}

function leaseLeftMs({ state, renewedAgoMs }: MemberRow, ageMs: number): number {
  if (state !== "active") return 0;
  return Math.max(0, Math.round(HOST_LEASE_MS - renewedAgoMs - ageMs));
}
