import type { LeverError } from "@leveros/protocol";

/**
 * Carries out what the ledger decides. Results come back through `claimed`, `opened`, `failed`, `closed` and `notOwned`, with
 * the epoch.
 */
export interface LedgerActions<Instance, Waiter> {
  /**
   * Claims the resource for this host. Returns the epoch: higher than all before, also before a restart. undefined = the
   * answer comes through `claimed` or `notOwned`. @throws LeverError when the host cannot have it now.
   */
  claim(resource: string): number | undefined;
  /** The host gives the resource back. False = that takes time, and `notOwned` follows. `owner`: the last one. */
  release(resource: string, epoch: number, owner: Instance | undefined): boolean;
  /** Chooses the owner of a new resource; undefined = no instance can take one now. */
  choose(): Instance | undefined;
  /** `cause`: a call that waits for it. */
  open(resource: string, owner: Instance, epoch: number, cause: Waiter | undefined): void;
  close(resource: string, owner: Instance, epoch: number): void;
  /** Gives the resource's waiting calls, oldest first, to its owner. */
  dispatch(waiting: readonly Waiter[], owner: Instance): void;
  refuse(waiting: readonly Waiter[], error: LeverError): void;
}
