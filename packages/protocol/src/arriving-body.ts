/** Bytes in one block of memory: a Uint8Array, or a class that extends it. */
interface Block<Memory> extends ArrayLike<number> {
  set(bytes: ArrayLike<number>, offset: number): void;
  subarray(start: number, end: number): Memory;
}

/** Provides the memory of bodies. */
export interface BodyMemory<Memory> {
  readonly empty: Memory;
  /** May be larger, and have old content. */
  acquire(bytes: number): Memory;
  release(memory: Memory): void;
}

/** Bytes of a body with a known length that must have arrived before the memory for all of it is taken. */
const WHOLE_FROM_BYTES = 32 * 1024;
const FIRST_BYTES = 4 * 1024;
const GROWTH = 4;

/**
 * A body that arrives in pieces. Each piece is copied: many small ones would take far more memory than their bytes if each
 * was kept by itself. The memory grows with what has arrived, so a caller that only announces a body occupies none.
 */
export class ArrivingBody<Memory extends Block<Memory>> {
  readonly #source: BodyMemory<Memory>;
  readonly #bytesMax: number;
  readonly #isLengthKnown: boolean;
  /** Holds the body, and may be larger. */
  memory: Memory;
  /** Bytes that have arrived. */
  bytes = 0;

  /** `bytesMax` is the length of the body if that is known, or else the most that the caller adds. */
  constructor(
    source: BodyMemory<Memory>,
    { bytesMax, isLengthKnown }: { readonly bytesMax: number; readonly isLengthKnown: boolean },
  ) {
    this.#source = source;
    this.#bytesMax = bytesMax;
    this.#isLengthKnown = isLengthKnown;
    this.memory = source.empty;
  }

  add(piece: Uint8Array): void {
    const end = this.bytes + piece.length;
    if (end > this.memory.length) this.#grow(end);
    this.memory.set(piece, this.bytes);
    this.bytes = end;
  }

  /** The bytes so far. */
  get body(): Memory {
    return this.memory.subarray(0, this.bytes);
  }

  /** Frees the memory: the body is not used. */
  drop(): void {
    this.memory = this.#source.empty;
    this.bytes = 0;
  }

  #grow(bytes: number): void {
    let size = FIRST_BYTES;
    while (size < bytes) size *= GROWTH;
    const isWhole = this.#isLengthKnown && bytes >= WHOLE_FROM_BYTES;
    const outgrown = this.memory;
    this.memory = this.#source.acquire(isWhole ? this.#bytesMax : Math.min(size, this.#bytesMax));
    if (this.bytes === 0) return;
    this.memory.set(outgrown.subarray(0, this.bytes), 0);
    this.#source.release(outgrown);
  }
}
