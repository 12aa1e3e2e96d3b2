/**
 * - `inUse`: another host has the store open.
 * - `newer`, `older`: another version of Lever wrote it, which this one cannot read.
 * - `damaged`: what it contains cannot be read.
 * - `lost`: it is missing or empty, and must not be new.
 */
export type StoreOpenProblem = "inUse" | "newer" | "older" | "damaged" | "lost";

/** A store that cannot be opened. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
  readonly problem: StoreOpenProblem;

  constructor(problem: StoreOpenProblem, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.problem = problem;
  }
}
