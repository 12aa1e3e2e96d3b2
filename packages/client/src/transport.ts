import type { LeverUrl, Payload } from "@leveros/protocol";

/** What a call asks for beside its arguments. */
export interface InvokeOptions {
  /** Time for the whole call in milliseconds; 0 = the host's own default. */
  readonly timeoutMs: number;
}

/** A way to reach Lever. */
export interface Transport {
  /**
   * Makes one regular call.
   * @param url with an environment.
   * @throws LeverError `method_failed` when the method did, Lever's own code when Lever refused or failed, and
   * `unreachable` when no Lever host answered.
   */
  invoke(url: LeverUrl, payload: Payload, options: InvokeOptions): Promise<Payload>;
}
