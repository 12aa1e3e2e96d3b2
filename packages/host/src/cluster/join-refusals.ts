import { LeverError } from "@leveros/protocol";
import { TAKE_OVER_AFTER_MS } from "./membership.ts";
import type { MemberRow } from "./postgres-leases.ts";
import { describeRange, hasCommon, type VersionRange } from "./shared-versions.ts";

/** No two active hosts have the same name. @throws LeverError `conflict` */
export function refuseNamesake(
  hosts: readonly MemberRow[],
  self: { readonly id: string; readonly name: string },
): void {
  const hasNamesake = hosts.some(
    ({ id, name, state, renewedAgoMs }) =>
      id !== self.id &&
      name === self.name &&
      state === "active" &&
      renewedAgoMs < TAKE_OVER_AFTER_MS,
  );
  if (!hasNamesake) return;
  throw new LeverError(
    "conflict",
    `Cannot join the cluster: it has a host ${self.name} already. Choose another name with --host-name.`,
  );
}

/** Hosts pass calls on to each other, so they must have a version of the links in common. @throws LeverError `unavailable` */
export function refuseOtherLinks(
  hosts: readonly MemberRow[],
  self: { readonly id: string; readonly links: VersionRange },
): void {
  const other = hosts.find(
    ({ id, state, links }) => id !== self.id && state === "active" && !hasCommon(links, self.links),
  );
  if (other === undefined) return;
  const { name, version, links } = other;
  const remedy =
    links.oldest > self.links.newest
      ? "Update Lever on this host"
      : `First update ${name} to a Lever between these two`;
  throw new LeverError(
    "unavailable",
    `Cannot join the cluster: its host ${name} (Lever ${version}) uses ${describeRange(links)} of the links between hosts, and this Lever ${describeRange(self.links)}. ${remedy}.`,
  );
}

/** Another host has announced a higher incarnation with the same id. */
export function replaced(): LeverError {
  return new LeverError(
    "conflict",
    "Cannot be a host of the cluster: another host uses a copy of this data folder. Stop one of them, and start it with --new-identity.",
  );
}
