import {
  type Change,
  environmentChangesKey,
  NO_KEY,
  serviceChangesKey,
  variablesKey,
} from "./change.ts";
import type { Statement } from "./sql-statement.ts";

/** Revisions are never used twice, so a key that is removed and comes again cannot be mistaken for the first one. */
export function revisionsOf(change: Change, key: string, revision: number): readonly Statement[] {
  const forget = "DELETE FROM revisions WHERE key = $1";
  switch (change.kind) {
    case "environmentRemoved": {
      const { environment } = change;
      const prefix = serviceChangesKey(environment, "");
      return [
        { sql: forget, values: [environmentChangesKey(environment)] },
        { sql: forget, values: [variablesKey(environment)] },
        {
          sql: "DELETE FROM revisions WHERE substr(key, 1, $1) = $2",
          values: [prefix.length, prefix],
        },
      ];
    }
    default:
      if (key === NO_KEY) return [];
      return [
        {
          sql: `INSERT INTO revisions (key, revision) VALUES ($1, $2)
            ON CONFLICT (key) DO UPDATE SET revision = excluded.revision`,
          values: [key, revision],
        },
      ];
  }
}
