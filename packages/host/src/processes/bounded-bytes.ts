/** Gathers the parts of a text. Only its beginning is stored. */
export class BoundedBytes {
  readonly #bytesMax: number;
  #parts: Buffer[] = [];
  #storedBytes = 0;
  #bytes = 0;
  #isEnded = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The size of all parts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The last part ended in a line break. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** `isEnded`: the part ends in a line break, which is not part of the text. */
  add(part: Buffer, { isEnded = false }: { readonly isEnded?: boolean } = {}): void {
    this.#isEnded = isEnded;
    const added = isEnded ? part.subarray(0, -1) : part;
    this.#bytes += added.length;
    const stored = added.subarray(0, this.#bytesMax - this.#storedBytes);
    if (stored.length === 0) return;
    this.#storedBytes += stored.length;
    // A copy: the chunk may be much larger.
    this.#parts.push(Buffer.from(stored));
  }

  /** Begins a new text. */
  take(): { readonly text: Buffer; readonly bytes: number } {
    const taken = { text: Buffer.concat(this.#parts), bytes: this.#bytes };
    this.#parts = [];
    this.#storedBytes = 0;
    this.#bytes = 0;
    this.#isEnded = false;
    return taken;
  }
}
