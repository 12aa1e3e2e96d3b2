/** Counts the bytes of bodies that all calls hold in this process, and bounds them (the limit bufferedBodyBytesMax). */
export class BodyBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False = all calls together would hold too many bytes; nothing is reserved. */
  reserve(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Counts bytes that are held already; negative = they are released. False = all calls together hold too many. */
  count(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes <= this.#bytesMax;
  }
}

/** The part of a budget that one call at a time holds. */
export class BodyReservation {
  readonly #budget: BodyBudget;
  #bytes = 0;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /** False = nothing is reserved. */
  reserve(bytes: number): boolean {
    if (!this.#budget.reserve(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Releases everything; a second call does nothing. */
  release(): void {
    this.#budget.release(this.#bytes);
    this.#bytes = 0;
  }
}
