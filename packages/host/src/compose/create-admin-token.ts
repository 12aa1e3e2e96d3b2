import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CreatedToken } from "@leveros/protocol";
import { TokenRegistry } from "../access/token-registry.ts";
import { systemClock } from "../clock.ts";
import { Applier } from "../state/applier.ts";
import { applyAtOnce, State } from "../state/state.ts";
import { NO_KEY } from "../store/change.ts";
import { STORE_FILE } from "./data-folder.ts";
import { openData, refuseClusterFolder } from "./open-data.ts";
import { StartupError } from "./startup-error.ts";

/** The author of the change in the audit, and the note of the token. */
const PRINCIPAL = "reset";
const NOTE = "lever token reset";

/**
 * Creates a token that allows everything, in the data folder of a host that does not run.
 * @throws StartupError
 */
export async function createAdminToken(dataDir: string): Promise<CreatedToken> {
  if (!existsSync(join(dataDir, STORE_FILE))) {
    throw new StartupError(
      "dataFolderUnusable",
      `Cannot create a token in ${resolve(dataDir)}: it is not the data folder of a host. Name the folder that lever up uses with --data.`,
    );
  }
  const { store, folder } = openData(dataDir);
  try {
    await refuseClusterFolder(store, folder.dir);
    const { wallTime } = systemClock;
    const applier = new Applier();
    const state = new State(store, applyAtOnce(store, applier));
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
  } finally {
    await store.close();
  }
}
