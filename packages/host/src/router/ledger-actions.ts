import type { LeverError } from "@leveros/protocol";

/** Carries out what the ledger decides. Results come back through `opened`, `failed` and `closed`, with the epoch. */
export interface LedgerActions<Instance, Waiter> {
  /** Returns an epoch higher than all before, also before a restart. @throws LeverError when none is available. */
  nextEpoch(): number;
  /** Chooses the owner of a new resource; undefined = no instance can take one now. */
  choose(): Instance | undefined;
  /** `cause`: a call that waits for it. */
  open(resource: string, owner: Instance, epoch: number, cause: Waiter | undefined): void;
  close(resource: string, owner: Instance, epoch: number): void;
  /** Gives the resource's waiting calls, oldest first, to its owner. */
  dispatch(waiting: readonly Waiter[], owner: Instance): void;
  refuse(waiting: readonly Waiter[], error: LeverError): void;
}
