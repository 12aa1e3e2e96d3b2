import { LeverError, type Limits } from "@leveros/protocol";

export type WaitingLimits = Pick<
  Limits,
  | "queuedCallsPerServiceMax"
  | "queuedBytesPerServiceMax"
  | "queuedCallsPerEnvironmentMax"
  | "queuedBytesPerEnvironmentMax"
>;

/** Calls that wait in all services of an environment. */
export interface WaitingInEnvironment {
  calls: number;
  bytes: number;
}

/** Counts the waiting calls of one service, and keeps them within the limits of the service and its environment. */
export class WaitingCalls {
  #calls = 0;
  #bytes = 0;
  readonly #environment: WaitingInEnvironment;
  readonly #limits: WaitingLimits;

  constructor(environment: WaitingInEnvironment, limits: WaitingLimits) {
    this.#environment = environment;
    this.#limits = limits;
  }

  get count(): number {
    return this.#calls;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The queue that is full for a call with a body of so many bytes; undefined = the call may wait. */
  fullPart(bodyBytes: number): "service" | "environment" | undefined {
    const limits = this.#limits;
    if (
      this.#calls >= limits.queuedCallsPerServiceMax ||
      this.#bytes + bodyBytes > limits.queuedBytesPerServiceMax
    ) {
      return "service";
    }
    const { calls, bytes } = this.#environment;
    const isFull =
      calls >= limits.queuedCallsPerEnvironmentMax ||
      bytes + bodyBytes > limits.queuedBytesPerEnvironmentMax;
    return isFull ? "environment" : undefined;
  }

  add(bodyBytes: number): void {
    this.#count(1, bodyBytes);
  }

  remove(bodyBytes: number): void {
    this.#count(-1, -bodyBytes);
  }

  #count(calls: number, bytes: number): void {
    this.#calls += calls;
    this.#bytes += bytes;
    this.#environment.calls += calls;
    this.#environment.bytes += bytes;
  }
}

/** @returns the refusal of a call that Lever cannot carry now. */
export function overloaded(reason: string): LeverError {
  return new LeverError("overloaded", `Cannot take the call: ${reason}.`, {
    retryAfterSeconds: 1,
  });
}
