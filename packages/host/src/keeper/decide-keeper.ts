/**
 * The keeper is a small process beside a host of a cluster. It ends the instances that own resources when the host cannot:
 * the host is paused, or dead.
 *
 * - Q1. It kills the owners it was given, with all that they have started, and nothing else.
 * - Q2. It kills them at the moment that the host has last given, or at once when the host is dead.
 * - Q3. It ends after its host and after all owners, never before.
 */

/** A timer stands still while the machine sleeps. So an owner acts at most this long after the machine wakes up. */
export const KEEPER_CHECK_MS = 100;

export interface KeeperState<Owner> {
  /** Boot time at which owners must end. undefined = the host has not given one yet. */
  readonly ownersEndAtMs: number | undefined;
  /** Process groups or control groups that own resources and are not known to be dead. */
  readonly owners: ReadonlySet<Owner>;
  readonly isHostDead: boolean;
}

export type KeeperStep<Owner> =
  /** It decides again after `KEEPER_CHECK_MS`. */
  | { readonly kind: "kill"; readonly owners: ReadonlySet<Owner> }
  /** It decides again after this time, and with each message. undefined = only with a message. */
  | { readonly kind: "wait"; readonly ms: number | undefined }
  | { readonly kind: "exit" };

export function decideKeeper<Owner>(
  { ownersEndAtMs, owners, isHostDead }: KeeperState<Owner>,
  bootMs: number,
): KeeperStep<Owner> {
  if (owners.size === 0) return isHostDead ? { kind: "exit" } : { kind: "wait", ms: undefined };
  const leftMs = (ownersEndAtMs ?? bootMs) - bootMs;
  if (isHostDead || leftMs <= 0) return { kind: "kill", owners };
  return { kind: "wait", ms: Math.min(Math.ceil(leftMs), KEEPER_CHECK_MS) };
}
