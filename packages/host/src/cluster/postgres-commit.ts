import { randomUUID } from "node:crypto";
import { LeverError } from "@leveros/protocol";
import { type Clock, delay } from "../clock.ts";
import { type Change, type CommitResult, keyOf, type StoredChange } from "../store/change.ts";
import { rulesOf, writesOf } from "../store/change-statements.ts";
import { numberOf } from "../store/rows.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import type { PostgresSession } from "./postgres-session.ts";

/** For so long, a commit whose connection broke looks for its outcome. */
const RESOLVE_MS = 15_000;
const RESOLVE_AGAIN_MS = 100;

/** The end of a transaction. `broken`: a rule or the expectation, and nothing is written. */
interface End {
  readonly kind: "broken" | "committed" | "unknown";
  readonly revision: number;
}

/**
 * Writes changes into the cluster's database.
 *
 * - PG4. Revisions have no gaps, and changes are committed in their order.
 * - PG5. A change is `written` only when no fail-over to the synchronous standby can lose it.
 * - PG6. A change that may be written is never reported as an error.
 */
export class PostgresCommits {
  readonly #pool: PostgresPool;
  readonly #clock: Clock;

  constructor(pool: PostgresPool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** @throws LeverError `unavailable` when nothing is written */
  async commit(change: Change, expected?: number): Promise<CommitResult> {
    const nonce = randomUUID();
    const end = await this.#pool.use("save the change", (session) =>
      session.inTransaction(async (): Promise<End> => {
        // PG4: every other change waits here for this one's COMMIT.
        const { rows } = await session.query(
          "UPDATE cluster SET revision = revision + 1 RETURNING revision",
        );
        const revision = numberOf(rows[0]?.["revision"]);
        if (!(await writeChange(session, { change, revision, nonce }, expected))) {
          await session.rollback();
          return { kind: "broken", revision: revision - 1 };
        }
        return { kind: await session.commit(), revision };
      }),
    );
    switch (end.kind) {
      case "broken":
        return { outcome: "conflict", revision: end.revision };
      case "committed":
        return { outcome: "written", revision: end.revision };
      case "unknown":
        return await this.#resolve({ change, revision: end.revision, nonce });
    }
  }

  /** PG6. @throws LeverError `unavailable` when the change is surely not written */
  async #resolve(attempt: StoredChange): Promise<CommitResult> {
    const giveUpAt = this.#clock.now() + RESOLVE_MS;
    while (this.#clock.now() < giveUpAt) {
      const found = await this.#pool
        .use("look for the change", (session) => lookFor(session, attempt))
        .catch(() => "unknown" as const);
      if (found === "written") return { outcome: "written", revision: attempt.revision };
      if (found === "lost") {
        const message = "Cannot save the change: the connection to the database broke. Try again.";
        throw new LeverError("unavailable", message, { retryAfterSeconds: 1 });
      }
      await delay(this.#clock, RESOLVE_AGAIN_MS);
    }
    return { outcome: "unknown" };
  }
}

/** Inside a transaction that has counted up the revision. False = a rule or the expectation is broken. */
export async function writeChange(
  session: PostgresSession,
  stored: StoredChange,
  expected: number | undefined,
): Promise<boolean> {
  const { change } = stored;
  const key = keyOf(change);
  const [before, ...found] = await Promise.all([
    session.query(REVISION, [key]),
    ...rulesOf(change).map(async ({ sql, values, finds }) => {
      const { count } = await session.query(sql, values);
      return count > 0 === finds;
    }),
  ]);
  const isExpected =
    expected === undefined || numberOf(before.rows[0]?.["revision"] ?? 0) === expected;
  if (!isExpected || found.includes(false)) return false;
  const writes = writesOf(stored).map(({ sql, values }) => session.query(sql, values));
  await Promise.all([...writes, session.query("NOTIFY lever_changes")]);
  return true;
}

/** The revision of the last change with a key. */
export const REVISION = "SELECT revision FROM revisions WHERE key = $1";

/**
 * Looks for a change behind the lock of the cluster's row. A COMMIT that still waits for the standby holds the lock, so it is
 * not mistaken for one that failed. The lock is written to the log itself, so PG5 holds when this transaction is committed.
 */
async function lookFor(
  session: PostgresSession,
  { revision, nonce }: StoredChange,
): Promise<"written" | "lost" | "unknown"> {
  return await session.inTransaction(async () => {
    const { rows: head } = await session.query("SELECT revision FROM cluster FOR UPDATE");
    const { rows } = await session.query("SELECT nonce FROM changes WHERE revision = $1", [
      revision,
    ]);
    if ((await session.commit()) === "unknown") return "unknown";
    const [change] = rows;
    if (change !== undefined) return change["nonce"] === nonce ? "written" : "lost";
    // Without the row, the revision is either too old to be kept, or was never written.
    return numberOf(head[0]?.["revision"]) < revision ? "lost" : "unknown";
  });
}
