import { numberOf } from "../store/rows.ts";
import type { PostgresSession } from "./postgres-session.ts";

const APART_MS_MAX = 5_000;

/** Milliseconds that this machine's clock is ahead of the one of the server. @throws the error of the database */
export async function clockAheadMs(
  session: PostgresSession,
  wallTime: () => number,
): Promise<number> {
  const { rows } = await session.query(
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now",
  );
  return wallTime() - numberOf(rows[0]?.["now"]);
}

/** A sentence about clocks that are apart, with the remedy; undefined = they are not. */
export function clockFault(aheadMs: number): string | undefined {
  const apartMs = Math.abs(aheadMs);
  if (apartMs <= APART_MS_MAX) return undefined;
  const side = aheadMs > 0 ? "ahead of" : "behind";
  return `The clock of this machine is ${Math.round(apartMs / 1_000)} s ${side} that of the database's server. Set both by NTP: leases do not depend on them, but the ends of tokens and the times of logs do.`;
}
