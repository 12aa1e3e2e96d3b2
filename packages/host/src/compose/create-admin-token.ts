import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CreatedToken } from "@leveros/protocol";
import { TokenRegistry } from "../access/token-registry.ts";
import { systemClock } from "../clock.ts";
import { Applier } from "../state/applier.ts";
import { applyAtOnce, type Commit, State } from "../state/state.ts";
import { NO_KEY } from "../store/change.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import { CLUSTER_ID, STORE_FILE } from "./data-folder.ts";
import { openData, refuseClusterFolder } from "./open-data.ts";
import { StartupError } from "./startup-error.ts";

/** The author of the change in the audit, and the note of the token. */
const PRINCIPAL = "reset";
const NOTE = "lever token reset";

/**
 * Creates a token that allows everything, in the data folder of a host that does not run. `urls`: the servers of the database
 * of its cluster, which gets the token; other hosts may run.
 * @throws StartupError; LeverError `unavailable` for the database, `malformed_request` for a URL
 */
export async function createAdminToken(
  dataDir: string,
  urls: readonly string[] = [],
): Promise<CreatedToken> {
  if (!existsSync(join(dataDir, STORE_FILE))) {
    throw new StartupError(
      "dataFolderUnusable",
      `Cannot create a token in ${resolve(dataDir)}: it is not the data folder of a host. Name the folder that lever up uses with --data.`,
    );
  }
  const { store, folder } = openData(dataDir);
  try {
    if (urls.length > 0) return await createClusterToken(store, folder.dir, urls);
    await refuseClusterFolder(store, folder.dir);
    return await createToken(store, applyAtOnce(store, new Applier()));
  } finally {
    await store.close();
  }
}

async function createClusterToken(
  { notes }: SqliteStore,
  dir: string,
  urls: readonly string[],
): Promise<CreatedToken> {
  // One machine does not load it.
  const { openPostgresStore } = await import("../cluster/postgres-store.ts");
  const { memoryIn } = await import("../cluster/postgres-servers.ts");
  const log = (): void => {};
  const memory = memoryIn(notes);
  const database = await openPostgresStore({ urls, memory, clock: systemClock, log });
  try {
    const known = await notes.read(CLUSTER_ID);
    const cluster = await database.cluster();
    if (known === undefined || known !== cluster?.id) {
      throw new StartupError(
        "dataFolderUnusable",
        `Cannot create a token: ${dir} is not the data folder of a host of the cluster in that database. Name the folder that its lever up uses with --data.`,
      );
    }
    // All hosts get it from the database, this one at its next start.
    return await createToken(database, (change, expected) => database.commit(change, expected));
  } finally {
    await database.close();
  }
}

async function createToken(store: Store, commit: Commit): Promise<CreatedToken> {
  const { wallTime } = systemClock;
  const state = new State(store, commit);
  const tokens = await TokenRegistry.open({ store, state, wallTime, isLocalOnly: true });
  const created = await tokens.create({
    environments: ["*"],
    rights: ["admin"],
    expiresInMs: undefined,
    note: NOTE,
  });
  const record = {
    at: wallTime(),
    principal: PRINCIPAL,
    method: "createToken",
    environment: "*",
    target: created.id,
    outcome: "done",
  };
  await state.change(NO_KEY, () => ({ kind: "audited", record }));
  return created;
}
