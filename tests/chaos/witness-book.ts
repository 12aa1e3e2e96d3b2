/** What an instance tells the witness, before it goes on. */
export interface WitnessRecord {
  /** `put` writes the counter of the resource. */
  readonly what: "open" | "use" | "put" | "close";
  readonly resource: string;
  readonly epoch: number;
  readonly instance: string;
  /** With `put`: the new value of the counter. */
  readonly n?: number;
}

/** `n`: the counter of the resource. */
export type WitnessAnswer = { readonly n: number } | { readonly refused: string };

interface Entry {
  epoch: number;
  instance: string;
  n: number;
}

/** Enough to see what happened. */
const VIOLATIONS_MAX = 100;

/**
 * A counter for each resource, behind a check of the epoch, and the order in which instances acted: epochs of a resource never go
 * back, and each belongs to one instance.
 */
export class WitnessBook {
  readonly violations: string[] = [];
  records = 0;
  readonly #entries = new Map<string, Entry>();

  tell(record: WitnessRecord): WitnessAnswer {
    this.records++;
    const { what, resource, epoch, instance, n = 0 } = record;
    let entry = this.#entries.get(resource);
    if (entry === undefined) {
      entry = { epoch, instance, n: 0 };
      this.#entries.set(resource, entry);
    }
    const before = `after ${entry.instance} with epoch ${entry.epoch}`;
    const about = `${resource}: ${what} by ${instance} with epoch ${epoch} ${before}`;
    if (epoch < entry.epoch) return this.#refuse(`${about}: the epoch went back`);
    if (epoch === entry.epoch && instance !== entry.instance) {
      return this.#refuse(`${about}: two instances have one epoch`);
    }
    entry.epoch = epoch;
    entry.instance = instance;
    if (what === "put") {
      if (n !== entry.n + 1) return this.#refuse(`${about}: ${n} does not follow ${entry.n}`);
      entry.n = n;
    }
    return { n: entry.n };
  }

  #refuse(refused: string): WitnessAnswer {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(refused);
    return { refused };
  }
}
