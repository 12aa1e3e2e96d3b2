import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "@leveros/host/parts";
import { parseLeverJson } from "@leveros/protocol";

/** The environment of the services that `putManyServices` makes. */
export const MANY = "many.lever";

export const manyName = (index: number): string => `many-${index}`;

/**
 * Makes the data folder of a host that has so many services, with names of `manyName`. Their code is missing: a call to one
 * is accepted, and fails soon. To deploy them one by one would take minutes.
 */
export async function putManyServices(dataDir: string, count: number): Promise<void> {
  // The version of the folder's layout.
  writeFileSync(join(dataDir, "version"), "1\n");
  const file = join(dataDir, "lever.sqlite");
  const outcome = parseLeverJson(JSON.stringify({ name: manyName(0), jsEntry: "server.js" }));
  if (!outcome.ok) throw new Error(outcome.errors.join());
  const store = openSqliteStore(file, { mayBeNew: true });
  const service = { environment: MANY, service: manyName(0) };
  const version = 1;
  await store.commit({
    kind: "environmentCreated",
    record: { environment: MANY, corsOrigins: ["*"], isPublic: false, network: "internet" },
  });
  await store.commit({ kind: "versionReserved", ...service, version });
  const published = await store.commit({
    kind: "versionPublished",
    record: {
      ...service,
      version,
      codeId: "missing",
      leverJson: outcome.leverJson,
      methods: ["work"],
      archiveBytes: 1_000,
      unpackedBytes: 1_000,
      deployedAt: new Date(0).toISOString(),
    },
    versionsKeptMax: 1,
  });
  if (published.outcome !== "written") throw new Error(JSON.stringify(published));
  await store.close();
  // One transaction for all, since each would wait for the disk.
  using database = new DatabaseSync(file);
  database.exec("BEGIN");
  for (const table of ["services", "versions"]) {
    database.exec(`CREATE TEMP TABLE copy_${table} AS SELECT * FROM ${table}`);
    const rename = database.prepare(`UPDATE copy_${table} SET service = ?`);
    const insert = database.prepare(`INSERT INTO ${table} SELECT * FROM copy_${table}`);
    for (let index = 1; index < count; index++) {
      rename.run(manyName(index));
      insert.run();
    }
  }
  database.exec("COMMIT");
}
