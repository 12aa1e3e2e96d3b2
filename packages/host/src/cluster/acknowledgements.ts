import type { Clock } from "../clock.ts";
import type { Emitter } from "../emitter.ts";
import type { Member } from "./member.ts";
import { TAKE_OVER_AFTER_MS } from "./membership.ts";
import type { MemberRow } from "./postgres-leases.ts";

/** A host whose lease holds, and that does not apply a change for so long, is given up on. */
const WAIT_MS_MAX = 15_000;
/** The notification of a host that has applied a change may be lost. */
const POLL_MS = 100;

export interface AcknowledgementOptions {
  readonly member: Pick<Member, "id" | "hosts" | "readHosts">;
  /** A host has applied a change. */
  readonly hostsMoved: Emitter<void>;
  readonly clock: Clock;
}

/**
 * Waits until changes hold everywhere.
 *
 * - Y1. A change is answered when every host with a lease has applied it, in each of its processes that take calls.
 * - Y2. A host that is not waited for any longer is named in the answer: its lease is over, or it does not follow.
 */
export class Acknowledgements {
  readonly #options: AcknowledgementOptions;
  readonly #waiting = new Set<() => void>();

  constructor(options: AcknowledgementOptions) {
    this.#options = options;
    options.hostsMoved.add(() => {
      for (const wake of this.#waiting) wake();
    });
  }

  /** Resolves to the names of hosts that were given up on: their leases are over, or they do not follow. */
  async wait(revision: number): Promise<readonly string[]> {
    const { member, clock } = this.#options;
    const giveUpAt = clock.now() + WAIT_MS_MAX;
    for (;;) {
      // While the database is away, the last known state of the hosts counts, and nobody has told of a change.
      const isRead = await member.readHosts().then(
        () => true,
        () => false,
      );
      const behind = hostsBehind(member.hosts, { revision, self: member.id });
      const isOver = isRead && !behind.some(hasLease);
      if (isOver || clock.now() >= giveUpAt) return behind.map(({ name }) => name);
      await this.#moved();
    }
  }

  async #moved(): Promise<void> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clock.clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = clock.setTimeout(wake, POLL_MS);
      this.#waiting.add(wake);
    });
  }
}

/** The other hosts that were not fenced and have not left, and have not applied the revision. */
function hostsBehind(
  hosts: readonly MemberRow[],
  { revision, self }: { readonly revision: number; readonly self: string },
): readonly MemberRow[] {
  return hosts.filter(
    ({ id, state, appliedRevision }) =>
      id !== self && state === "active" && appliedRevision < revision,
  );
}

function hasLease({ renewedAgoMs }: MemberRow): boolean {
  return renewedAgoMs <= TAKE_OVER_AFTER_MS;
}
