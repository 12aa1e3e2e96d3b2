import { randomUUID } from "node:crypto";
import type { Change } from "../store/change.ts";
import type { TableRows } from "../store/replace-state.ts";
import { numberOf } from "../store/rows.ts";
import { writeChange } from "./postgres-commit.ts";
import { insertTables, raiseEpochs } from "./postgres-schema.ts";
import type { PostgresSession } from "./postgres-session.ts";

export interface RestoredState {
  readonly tables: readonly TableRows[];
  /** The position that they are of. */
  readonly revision: number;
  readonly generation: number;
  /** No higher epoch was given before. */
  readonly epoch: number;
  /** Written as the first change after them. */
  readonly change: Change;
}

/**
 * Replaces the state of a cluster, in one transaction. Its generation grows, so that hosts that run reload everything. Hosts and
 * owners of resources stay.
 * @throws the error of the database
 */
export async function restoreState(session: PostgresSession, state: RestoredState): Promise<void> {
  await session.inTransaction(async () => {
    const { rows } = await session.query(
      `UPDATE cluster SET founded = true, generation = greatest(generation, $1) + 1,
         revision = greatest(revision, $2) + 1 RETURNING revision`,
      [state.generation, state.revision],
    );
    for (const { table } of state.tables) await session.query(`DELETE FROM ${table}`);
    await insertTables(session, state.tables);
    await raiseEpochs(session, state.epoch);
    const revision = numberOf(rows[0]?.["revision"]);
    const stored = { change: state.change, revision, nonce: randomUUID() };
    if (!(await writeChange(session, stored, undefined))) {
      throw new Error("The audit refuses the restore.");
    }
    if ((await session.commit()) === "unknown") throw new Error("The connection broke at COMMIT.");
  });
}
