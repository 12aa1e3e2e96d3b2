import { askAgain } from "../cluster/ask-again.ts";
import { isAway } from "../cluster/postgres-error.ts";
import type { PostgresFeed } from "../cluster/postgres-feed.ts";
import type { HostReplica } from "../cluster/replica.ts";
import type { OpenClusterOptions } from "./cluster-options.ts";

/**
 * Copies what this host has missed. False = the database has stopped answering, and the host starts from its copy.
 * @throws LeverError when it has none
 */
export async function catchUp(
  feed: Pick<PostgresFeed, "catchUp">,
  replica: Pick<HostReplica, "position">,
  { clock, log }: Pick<OpenClusterOptions, "clock" | "log">,
): Promise<boolean> {
  try {
    await askAgain(clock, () => feed.catchUp());
    return true;
  } catch (error) {
    if (replica.position().generation === 0 || !isAway(error)) throw error;
    log("warn", "cluster", "database away at start", { reason: String(error) });
    return false;
  }
}
