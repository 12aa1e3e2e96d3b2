import { numberOf } from "../store/rows.ts";
import type { PostgresSession } from "./postgres-session.ts";
import { describeRange, type VersionRange } from "./shared-versions.ts";

/** Statements that bring the tables to a format from the one before. */
const STEPS: ReadonlyMap<number, string> = new Map();

/** Why a host cannot use tables of this format. */
export function otherFormat(format: number, range: VersionRange): string {
  const [by, remedy] =
    format > range.newest
      ? ["a newer", "Update Lever on this host."]
      : ["an older", "First update all hosts to a Lever between these two."];
  return `Cannot use the cluster's database: ${by} Lever wrote it (its format is ${format}, and this Lever reads ${describeRange(range)}). ${remedy}`;
}

/**
 * Brings the tables to the newest format that every active host reads, and returns it. Hosts that do not read it cannot join from
 * then on: `join` waits for this.
 * @throws the error of the database
 */
export async function raiseFormat(session: PostgresSession): Promise<number> {
  return await session.inTransaction(async () => {
    const { rows: found } = await session.query("SELECT format FROM cluster FOR UPDATE");
    const { rows: hosts } = await session.query(
      "SELECT min(formatNewest) AS newest FROM hosts WHERE state = 'active'",
    );
    const format = numberOf(found[0]?.["format"]);
    const newest = numberOf(hosts[0]?.["newest"] ?? format);
    for (let next = format + 1; next <= newest; next++) {
      const step = STEPS.get(next);
      if (step !== undefined) await session.query(step);
      await session.query("UPDATE cluster SET format = $1", [next]);
    }
    if ((await session.commit()) === "unknown") throw new Error("The connection broke at COMMIT.");
    return Math.max(format, newest);
  });
}
