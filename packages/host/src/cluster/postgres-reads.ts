import {
  auditOf,
  environmentOf,
  numberOf,
  type Row,
  routeOf,
  textOf,
  tokenOf,
  variableOf,
  versionOf,
} from "../store/rows.ts";
import type { Store } from "../store/store.ts";
import { REVISION } from "./postgres-commit.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import type { Answer } from "./postgres-session.ts";

/** Rows that one statement reads of tables that may be large. */
const ROWS_AT_ONCE = 1_000;

type StateReads = Omit<Store, "commit" | "close" | "head" | "changesAfter">;

/** Reads of the state. A host reads its replica instead; these are for the contract's suite, and for looking into a cluster. */
export function postgresReads(pool: PostgresPool): StateReads {
  const query = async (text: string, values: readonly unknown[] = []): Promise<readonly Row[]> =>
    (
      await pool.use(
        "read the cluster's state",
        (session): Promise<Answer> => session.query(text, values),
      )
    ).rows;
  return {
    environments: async () =>
      (await query("SELECT * FROM environments ORDER BY environment")).map(environmentOf),
    variables: async (environment) =>
      (
        await query("SELECT * FROM variables WHERE environment = $1 ORDER BY service, name", [
          environment,
        ])
      ).map(variableOf),
    secrets: async (most) =>
      (
        await query(
          "SELECT * FROM variables WHERE isSecret = 1 ORDER BY environment, service, name LIMIT $1",
          [most],
        )
      ).map(variableOf),
    routes: async () => (await query("SELECT * FROM routes ORDER BY host, path")).map(routeOf),
    tokens: async () => (await query("SELECT * FROM tokens ORDER BY number")).map(tokenOf),
    audit: async (most) =>
      (await query("SELECT * FROM audit ORDER BY number DESC LIMIT $1", [most]))
        .map(auditOf)
        .reverse(),
    async *liveVersions() {
      let after = ["", ""];
      for (;;) {
        const rows = await query(LIVE_VERSIONS, [...after, ROWS_AT_ONCE]);
        const versions = rows.map(versionOf);
        yield* versions;
        const last = versions.at(-1);
        if (last === undefined || versions.length < ROWS_AT_ONCE) return;
        after = [last.environment, last.service];
      }
    },
    versions: async (environment) =>
      (
        await query(
          "SELECT * FROM versions WHERE environment = $1 ORDER BY service, version DESC",
          [environment],
        )
      ).map(versionOf),
    codeIds: async () =>
      new Set(
        (await query("SELECT DISTINCT codeId FROM versions")).map((row) => textOf(row["codeId"])),
      ),
    async numbersOf(environment, service) {
      const [row] = await query(
        "SELECT liveVersion, lastVersion FROM services WHERE environment = $1 AND service = $2",
        [environment, service],
      );
      return {
        live: numberOf(row?.["liveVersion"] ?? 0),
        last: numberOf(row?.["lastVersion"] ?? 0),
      };
    },
    async revisionOf(key) {
      const [row] = await query(REVISION, [key]);
      return numberOf(row?.["revision"] ?? 0);
    },
  };
}

const LIVE_VERSIONS = `
  SELECT v.* FROM versions v JOIN services s
  ON v.environment = s.environment AND v.service = s.service AND v.version = s.liveVersion
  WHERE (v.environment, v.service) > ($1, $2) ORDER BY v.environment, v.service LIMIT $3`;
