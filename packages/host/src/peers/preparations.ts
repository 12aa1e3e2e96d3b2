import { type Clock, delay } from "../clock.ts";
import type { Peer } from "./peer.ts";

/** Hosts that are asked to prepare a version, and have not answered yet. */
export class Preparations {
  /** By the number of the question and the id of the host. */
  readonly #waiting = new Map<string, () => void>();
  #number = 0;

  /**
   * Asks hosts to start an instance of a version that is about to go live. Resolves when each has answered, whether it could or
   * not, or is not linked any more, or after `timeoutMs`.
   */
  async ask(
    peers: readonly Peer[],
    version: object,
    { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
  ): Promise<void> {
    const number = ++this.#number;
    const answers = peers.map((peer) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.set(keyOf(number, peer), resolve);
      if (peer.link === undefined) resolve();
      else peer.link.send({ type: "prepare", number, version });
      return promise;
    });
    await Promise.race([Promise.all(answers), delay(clock, timeoutMs)]);
    for (const peer of peers) this.#waiting.delete(keyOf(number, peer));
  }

  answered(peer: Peer, number: number): void {
    this.#waiting.get(keyOf(number, peer))?.();
  }

  /** The link to the host has broken. */
  lost(peer: Peer): void {
    for (const [key, resolve] of this.#waiting) {
      if (key.endsWith(` ${peer.row.id}`)) resolve();
    }
  }
}

function keyOf(number: number, { row }: Peer): string {
  return `${number} ${row.id}`;
}
