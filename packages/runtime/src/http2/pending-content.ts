const BLOCK_BYTES = 16 * 1024;
/** Longer pieces are kept as they are. Many small ones would take far more memory than their bytes. */
const COPY_BYTES_MAX = 4 * 1024;

/** Content that waits until it is read. */
export class PendingContent {
  #pieces: Buffer[] = [];
  /** The last piece, as far as it is filled, if it is a block of this class. */
  #block: Buffer | undefined;
  #blockBytes = 0;

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  add(piece: Buffer): void {
    if (piece.length > COPY_BYTES_MAX) {
      this.#closeBlock();
      this.#pieces.push(piece);
      return;
    }
    if (this.#block === undefined || this.#blockBytes + piece.length > BLOCK_BYTES) {
      this.#closeBlock();
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#pieces.push(this.#block);
    }
    this.#block.set(piece, this.#blockBytes);
    this.#blockBytes += piece.length;
  }

  /** The next bytes; undefined = there are none. */
  take(): Buffer | undefined {
    if (this.#pieces.length === 1) this.#closeBlock();
    return this.#pieces.shift();
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    this.#pieces[this.#pieces.length - 1] = this.#block.subarray(0, this.#blockBytes);
    this.#block = undefined;
    this.#blockBytes = 0;
  }
}
