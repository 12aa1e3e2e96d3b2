import type { Figure } from "./figure.ts";
import { type Peer, peersFolder, type RunningPeer } from "./peer.ts";

/** Peers that run side by side: idle, except the one that is being measured. */
export interface Contenders extends AsyncDisposable {
  readonly running: ReadonlyMap<Peer, RunningPeer>;
  /** One figure for each that cannot run here, with the reason. */
  readonly absent: readonly Figure[];
}

/** Starts them one after the other. One that cannot run is told of, and the others go on. */
export async function startContenders(peers: readonly Peer[]): Promise<Contenders> {
  const running = new Map<Peer, RunningPeer>();
  const absent: Figure[] = [];
  for (const peer of peers) {
    try {
      running.set(peer, await peer.start());
    } catch (error) {
      const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      const told = {
        name: `${peer.name} could not run`,
        value: reason.replaceAll(peersFolder, "peers"),
      };
      // A peer may lack something here; Lever itself may not.
      absent.push(peer.name === "Lever" ? { ...told, target: "runs", isKept: false } : told);
    }
  }
  const stop = async (): Promise<void> => {
    for (const peer of running.values()) await peer.stop();
  };
  return { running, absent, [Symbol.asyncDispose]: stop };
}
