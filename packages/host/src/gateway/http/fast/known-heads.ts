import type { PlainHead } from "./plain-head.ts";

/** Heads of all connections that are kept. */
const HEADS_MAX = 32;
/** Longer ones are not kept. */
const HEAD_BYTES_MAX = 2 * 1024;

/** A head that a connection has sent. It does not change. */
export interface KnownHead {
  /** The head, and nothing else. */
  readonly bytes: Buffer;
  readonly head: PlainHead;
  /** The end of its request line. */
  readonly lineEnd: number;
}

/**
 * The last heads of new connections. The connections of one client, and of clients of one kind, send the same head. So it is
 * parsed once, and all of them share its memory: with hundreds of connections, a copy for each would not fit into the cache of
 * the processor.
 */
export class KnownHeads {
  readonly #heads: KnownHead[] = [];
  #next = 0;

  /** The head in the first bytes; undefined = it is not known. */
  find(bytes: Buffer, headBytes: number): KnownHead | undefined {
    return this.#heads.find(
      (known) =>
        known.bytes.length === headBytes &&
        bytes.compare(known.bytes, 0, headBytes, 0, headBytes) === 0,
    );
  }

  /** Keeps a head in place of the oldest one. */
  add(known: KnownHead): void {
    if (known.bytes.length > HEAD_BYTES_MAX) return;
    this.#heads[this.#next] = known;
    this.#next = (this.#next + 1) % HEADS_MAX;
  }
}
