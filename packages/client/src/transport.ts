import type { CallHandle, CallListener, LeverUrl, Payload } from "@leveros/protocol";

/** What a call asks for beside its arguments. */
export interface InvokeOptions {
  /** Time for the whole call in milliseconds; 0 = the host's own default. */
  readonly timeoutMs: number;
  /** Leaves the call when it is aborted. */
  readonly signal: AbortSignal | undefined;
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
  /** Opens a streaming call. Every failure, also to get there, is told to `events`, after this has returned. */
  open(
    url: LeverUrl,
    args: Payload,
    options: Pick<InvokeOptions, "timeoutMs"> & { events: CallListener },
  ): CallHandle;
}
