import type { Corpus } from "./mutator.ts";

/** Something that reads what strangers send. */
export interface FuzzTarget {
  readonly name: string;
  /** Starts it. */
  open(): Promise<Subject>;
}

/** A target that runs. */
export interface Subject extends AsyncDisposable {
  readonly corpus: Corpus;
  /** Inputs that it is given side by side. */
  readonly inputsAtOnce: number;
  /**
   * Gives it one input, and waits until it is done with it. `choice` gives whole numbers below an end, for whatever else
   * is to be decided. @throws Error that says which promise was broken.
   */
  feed(bytes: Buffer, choice: (end: number) => number): Promise<void> | void;
  /** Between inputs: it still does what it is for. @throws Error that says what it does not. */
  check(): Promise<void>;
  /** Measures that must not grow, once all calls have ended. */
  measure(): Promise<readonly Measure[]>;
}

export interface Measure {
  readonly name: string;
  readonly value: number;
  /** How much more it may be after many inputs than after a quarter of them. */
  readonly growthMax: number;
}
