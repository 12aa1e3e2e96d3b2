import { LeverError, SMALL_BODY_BYTES } from "@leveros/protocol";

/**
 * Counts the bytes of bodies that all calls hold in this process, and bounds them (the limit bufferedBodyBytesMax). Bytes
 * count once they have arrived, so callers that only announce a body use no part of the budget.
 */
export class BodyBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that are held now. */
  get bytes(): number {
    return this.#bytes;
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

  /**
   * Counts so many bytes from now on: those of a body that have arrived. A small body needs no part of the budget, so large
   * ones never take its place. False = all calls together would hold too many bytes; nothing has changed.
   */
  hold(arrivedBytes: number): boolean {
    const bytes = arrivedBytes <= SMALL_BODY_BYTES ? 0 : arrivedBytes;
    const missing = bytes - this.#bytes;
    if (missing > 0 && !this.#budget.reserve(missing)) return false;
    if (missing < 0) this.#budget.release(-missing);
    this.#bytes = bytes;
    return true;
  }

  /** Releases everything; a second call does nothing. */
  release(): void {
    this.#budget.release(this.#bytes);
    this.#bytes = 0;
  }
}

/** All calls together hold too many bytes. */
export function tooManyBodies(): LeverError {
  return new LeverError(
    "overloaded",
    "Cannot accept the call: too many calls with large bodies are in progress.",
    { retryAfterSeconds: 1 },
  );
}
