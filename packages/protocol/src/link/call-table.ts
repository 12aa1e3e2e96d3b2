/** At most half of the slots are used. */
const SLOTS_MIN = 64;
/** 2^32 divided by the golden ratio: spreads consecutive numbers (Knuth, 6.4). */
const SPREAD = 0x9e37_79b1;

/**
 * The open calls by their numbers: a hash table with open addressing. It replaces a Map because of V8's garbage collector:
 * when a long-lived Map grows, its old table keeps a reference to the new one. From then on every call that was ever in
 * it survives the cheap minor collections, until a full one.
 */
export class CallTable<Call> {
  #ids = new Uint32Array(SLOTS_MIN);
  #calls: (Call | undefined)[] = emptySlots(SLOTS_MIN);
  #shift = Math.clz32(SLOTS_MIN) + 1;
  size = 0;

  get(id: number): Call | undefined {
    return this.#calls[this.#slotOf(id)];
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  set(id: number, call: Call): void {
    if (this.size * 2 >= this.#calls.length) this.#grow();
    const slot = this.#slotOf(id);
    if (this.#calls[slot] === undefined) this.size++;
    this.#ids[slot] = id;
    this.#calls[slot] = call;
  }

  /** False = no such call. */
  delete(id: number): boolean {
    let free = this.#slotOf(id);
    if (this.#calls[free] === undefined) return false;
    this.size--;
    const mask = this.#calls.length - 1;
    // Entries behind the free slot that could not be found any more move into it.
    for (let slot = (free + 1) & mask; ; slot = (slot + 1) & mask) {
      const call = this.#calls[slot];
      if (call === undefined) break;
      const other = this.#ids[slot] ?? 0;
      if (((slot - this.#homeOf(other)) & mask) < ((slot - free) & mask)) continue;
      this.#ids[free] = other;
      this.#calls[free] = call;
      free = slot;
    }
    this.#calls[free] = undefined;
    return true;
  }

  /** A snapshot, in no particular order. */
  values(): Call[] {
    return this.#calls.filter((call) => call !== undefined);
  }

  clear(): void {
    this.#calls.fill(undefined);
    this.size = 0;
  }

  #homeOf(id: number): number {
    return Math.imul(id, SPREAD) >>> this.#shift;
  }

  /** The slot of a call, or the free one where it would go. */
  #slotOf(id: number): number {
    const calls = this.#calls;
    const mask = calls.length - 1;
    let slot = this.#homeOf(id);
    while (calls[slot] !== undefined && this.#ids[slot] !== id) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [ids, calls] = [this.#ids, this.#calls];
    this.#ids = new Uint32Array(calls.length * 2);
    this.#calls = emptySlots(calls.length * 2);
    this.#shift--;
    this.size = 0;
    for (const [slot, call] of calls.entries()) {
      if (call !== undefined) this.set(ids[slot] ?? 0, call);
    }
  }
}

function emptySlots<Call>(count: number): (Call | undefined)[] {
  return new Array<Call | undefined>(count).fill(undefined);
}
