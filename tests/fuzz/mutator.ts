/** The material of a target's faulty inputs. It must be the same in every run, so that a seed repeats an input. */
export interface Corpus {
  /** Valid inputs, each in parts: lines, frames, entries. */
  readonly inputs: readonly (readonly Buffer[])[];
  /** Words that have a meaning for the reader of the input. */
  readonly words: readonly (string | Buffer)[];
  /** Makes the bytes of an input from its parts: with lengths and sums that fit, so that faults get past those. */
  encode(parts: readonly Buffer[]): Buffer;
}

/** Where sizes, counts and signs turn over. */
const NUMBERS = [
  0, 1, 2, 4, 7, 8, 16, 31, 32, 63, 64, 100, 125, 126, 127, 128, 255, 256, 512, 1_000, 1_024, 4_095,
  4_096, 16_383, 16_384, 32_767, 32_768, 65_535, 65_536, 131_072, 262_144, 1_048_576, 4_194_304,
  16_777_215, 2_147_483_647, 2_147_483_648, 4_294_967_295,
] as const;
const DIGITS = [...NUMBERS.map(String), "-1", "1e9", "0x10", "1.5", "99999999999999999999", "NaN"];

/** Most changes to one input: with more, nothing is left of what was valid. */
const CHANGES_MAX = 6;
const INPUT_BYTES_MAX = 128 * 1024;
/** The share of inputs that also have faults in their encoded bytes. */
const RAW_SHARE = 0.1;
/** The share of faults in the last third of an input. */
const LATE_SHARE = 0.5;

/** Makes faulty inputs out of valid ones; every choice is the random numbers'. */
export class Mutator {
  readonly #random: () => number;
  readonly #corpus: Corpus;
  readonly #words: readonly Buffer[];

  constructor(random: () => number, corpus: Corpus) {
    this.#random = random;
    this.#corpus = corpus;
    this.#words = corpus.words.map((word) => Buffer.from(word));
  }

  /** The next input. One in a hundred or so is valid. */
  next(): Buffer {
    let parts = [...this.#pick(this.#corpus.inputs)];
    if (this.#random() < 0.01) return this.#corpus.encode(parts);
    const isRaw = this.#random() < RAW_SHARE;
    const changes = isRaw && this.#random() < 0.5 ? 0 : this.#changes();
    for (let change = 0; change < changes; change++) parts = this.#changeParts(parts);
    const bytes = this.#corpus.encode(parts).subarray(0, INPUT_BYTES_MAX);
    return isRaw ? this.#changeBytes(bytes) : bytes;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  #changes(): number {
    let changes = 1;
    while (changes < CHANGES_MAX && this.#random() < 0.35) changes++;
    return changes;
  }

  #changeParts(parts: Buffer[]): Buffer[] {
    // Faults in what comes first keep what follows from being read: they are the rarer ones.
    const isLate = this.#random() < LATE_SHARE;
    const at = isLate
      ? parts.length - 1 - this.below(Math.ceil(parts.length / 3))
      : this.below(parts.length);
    const part = parts[at];
    if (part === undefined) return [this.#foreignPart()];
    switch (this.below(12)) {
      case 0:
        return parts.toSpliced(at, 1);
      case 1:
        return parts.toSpliced(at, 0, part);
      case 2:
        return parts.toSpliced(at, 0, ...Array<Buffer>(2 + this.below(40)).fill(part));
      case 3:
        return parts.toSpliced(at, 0, this.#foreignPart());
      case 4:
        return parts.with(at, this.#foreignPart());
      case 5: {
        const other = this.below(parts.length);
        return parts.with(at, parts[other] ?? part).with(other, part);
      }
      default:
        return parts.with(at, this.#changeBytes(part));
    }
  }

  #changeBytes(bytes: Buffer): Buffer {
    const start = this.below(bytes.length + 1);
    const end = Math.min(bytes.length, start + 1 + this.below(this.#random() < 0.8 ? 8 : 1_000));
    const cut = bytes.subarray(start, end);
    const replace = (by: Buffer, until = start): Buffer =>
      Buffer.concat([bytes.subarray(0, start), by, bytes.subarray(until)]);
    switch (this.below(11)) {
      case 0:
      case 1: {
        const flipped = Buffer.from(bytes);
        const at = Math.min(start, bytes.length - 1);
        if (at >= 0) flipped[at] = (flipped[at] ?? 0) ^ (1 << this.below(8));
        return flipped;
      }
      case 2:
        return replace(Buffer.of(this.below(256)), Math.min(bytes.length, start + 1));
      case 3:
        return bytes.subarray(0, start);
      case 4:
        return replace(Buffer.alloc(0), end);
      case 5:
        return replace(Buffer.concat(Array<Buffer>(1 + this.below(50)).fill(cut)));
      case 6:
        return replace(this.#number(), Math.min(bytes.length, start + 4));
      case 7:
        return this.#changeDigits(bytes);
      case 8:
        return replace(this.#pick(this.#words));
      case 9:
        return replace(this.#pick(this.#words), end);
      default:
        return replace(Buffer.alloc(this.below(300), this.below(256)));
    }
  }

  /** A number in one of the ways in which bytes hold them. */
  #number(): Buffer {
    const number = this.#pick(NUMBERS);
    const bytes = Buffer.alloc(4);
    if (this.#random() < 0.5) bytes.writeUInt32BE(number);
    else bytes.writeUInt32LE(number);
    return bytes.subarray(0, this.#pick([1, 2, 3, 4]));
  }

  /** Puts another number in the place of one that is written in digits. */
  #changeDigits(bytes: Buffer): Buffer {
    const text = bytes.toString("latin1");
    const found = [...text.matchAll(/\d+/g)];
    const at = found[this.below(found.length)];
    if (at === undefined) return Buffer.concat([bytes, this.#pick(this.#words)]);
    const after = text.slice(at.index + at[0].length);
    return Buffer.from(text.slice(0, at.index) + this.#pick(DIGITS) + after, "latin1");
  }

  #foreignPart(): Buffer {
    const parts = this.#pick(this.#corpus.inputs);
    return parts.length === 0 ? Buffer.alloc(0) : this.#pick(parts);
  }

  #pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error("Cannot pick: there is nothing.");
    return value;
  }
}
