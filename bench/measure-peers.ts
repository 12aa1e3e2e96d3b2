import type { Figure } from "./figure.ts";
import { interleave } from "./interleave.ts";
import { type Peer, peersFolder, type RunningPeer } from "./peer.ts";
import type { BenchRun } from "./scenario.ts";

/** Measurements of several peers. */
export interface PeerResults<Result> {
  /** The results of each peer that runs here, round by round. */
  readonly results: ReadonlyMap<Peer, readonly Result[]>;
  /** One figure for each peer that cannot run here, with the reason. */
  readonly absent: readonly Figure[];
}

/**
 * Measures peers in turn, for several rounds. Each is started for its turn and stopped after it, because programs that only
 * wait take processor time, too. A peer that cannot run becomes a figure with the reason.
 */
export async function measurePeers<Result>(
  run: BenchRun,
  peers: readonly Peer[],
  measure: (running: RunningPeer) => Promise<Result>,
): Promise<PeerResults<Result>> {
  const results = new Map<Peer, Result[]>();
  const absent = new Map<Peer, Figure>();
  await interleave(run, peers, async (peer) => {
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
  const figure = {
    name: `${peer.name} could not run`,
    value: reason.replaceAll(peersFolder, "peers"),
  };
  // Lever itself must run everywhere.
  return peer.name === "Lever" ? { ...figure, target: "runs", isKept: false } : figure;
}
