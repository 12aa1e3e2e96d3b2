import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describeStore } from "../../../../tests/harness/store-contract.ts";
import { openSqliteStore } from "./sqlite-store.ts";

describeStore("sqlite", async () => {
  const dir = mkdtempSync(join(tmpdir(), "lever-store-"));
  const file = join(dir, "lever.sqlite");
  return {
    open: async () => openSqliteStore(file),
    async fillAudit(count) {
      const database = new DatabaseSync(file);
      database.exec(`
        WITH RECURSIVE times (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM times WHERE at < ${count})
        INSERT INTO audit (at, principal, method, environment, target, outcome)
        SELECT at, 't2', 'm', '*', '', 'done' FROM times`);
      database.close();
    },
    remove: async () => rmSync(dir, { recursive: true }),
  };
});
