import type { AppliedChange } from "../store/change.ts";

/** Carries a change out in one part of the host. Long work that follows from it must not be waited for. */
export type ChangeHandler = (applied: AppliedChange) => void | Promise<void>;

/**
 * Passes each change in this host's database to the host's other parts, also changes that another host has made. The composition
 * root adds the handlers, so that this part imports none of the others.
 */
export class Applier {
  readonly #handlers: ChangeHandler[] = [];
  #last: Promise<void> = Promise.resolve();

  add(handler: ChangeHandler): void {
    this.#handlers.push(handler);
  }

  /** Resolves when every handler has carried the change out, after the changes before it. Rejects as the first that fails. */
  apply(applied: AppliedChange): Promise<void> {
    const mine = this.#last.then(async () => {
      for (const handler of this.#handlers) await handler(applied);
    });
    this.#last = mine.catch(() => {});
    return mine;
  }
}
