/** An archive that can be read while it is being packed, from its beginning each time. */
export class GrowingArchive {
  readonly #chunks: Buffer[] = [];
  #isComplete = false;
  #failure: { readonly error: unknown } | undefined;
  #onGrown = (): void => {};
  #bytes = 0;

  /** The bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#onGrown();
  }

  /** There is no more of it. */
  complete(): void {
    this.#isComplete = true;
    this.#onGrown();
  }

  /** Its reader gets the error. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#onGrown();
  }

  /** All chunks, also those that are still to come. One reader at a time. */
  async *read(): AsyncGenerator<Buffer> {
    for (let index = 0; ; index++) {
      let chunk = this.#chunks[index];
      while (chunk === undefined) {
        if (this.#failure !== undefined) throw this.#failure.error;
        if (this.#isComplete) return;
        await new Promise<void>((resolve) => {
          this.#onGrown = resolve;
        });
        chunk = this.#chunks[index];
      }
      yield chunk;
    }
  }
}
