import { alternate } from "./alternate.ts";
import type { Figure } from "./figure.ts";
import { type Peer, peersFolder, type RunningPeer } from "./peer.ts";
import type { BenchRun } from "./scenario.ts";

/** What was measured of peers. */
export interface Contest<Result> {
  /** Of each that runs here, round by round. */
  readonly results: ReadonlyMap<Peer, readonly Result[]>;
  /** One figure for each that cannot run here, with the reason. */
  readonly absent: readonly Figure[];
}

/**
 * Measures peers in turn, for several rounds. Each is started for its turn and stopped after it, so that it has the machine for
 * itself: programs that only wait take some of it, too. One that cannot run is told of, and the others go on.
 */
export async function measureInTurn<Result>(
  run: BenchRun,
  peers: readonly Peer[],
  measure: (running: RunningPeer) => Promise<Result>,
): Promise<Contest<Result>> {
  const results = new Map<Peer, Result[]>();
  const absent = new Map<Peer, Figure>();
  await alternate(run, peers, async (peer) => {
    if (absent.has(peer)) return;
    let starting: RunningPeer;
    try {
      starting = await peer.start();
    } catch (error) {
      if (results.has(peer)) throw error;
      absent.set(peer, absence(peer, error));
      return;
    }
    await using running = starting;
    const before = results.get(peer) ?? [];
    results.set(peer, [...before, await measure(running)]);
  });
  return { results, absent: [...absent.values()] };
}

function absence(peer: Peer, error: unknown): Figure {
  const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  const told = {
    name: `${peer.name} could not run`,
    value: reason.replaceAll(peersFolder, "peers"),
  };
  // A peer may lack something here; Lever itself may not.
  return peer.name === "Lever" ? { ...told, target: "runs", isKept: false } : told;
}
