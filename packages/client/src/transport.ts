import type { CallHandle, CallListener, LeverUrl, Payload } from "@leveros/protocol";

/** The options of one call. */
export interface InvokeOptions {
  /** Time for the whole call in milliseconds; 0 = the host's default. */
  readonly timeoutMs: number;
  /** Cancels the call when it is aborted. */
  readonly signal: AbortSignal | undefined;
}

/** Makes calls to a Lever host. */
export interface Transport {
  /**
   * Makes one regular call.
   * @param url with an environment.
   * @throws LeverError `method_failed` when the method failed, Lever's own code when Lever refused or failed, and
   * `unreachable` when no Lever host responded.
   */
  invoke(url: LeverUrl, payload: Payload, options: InvokeOptions): Promise<Payload>;
  /** Opens a streaming call. `events` receives every failure, also to connect, after this has returned. */
  open(
    url: LeverUrl,
    args: Payload,
    options: Pick<InvokeOptions, "timeoutMs"> & { events: CallListener },
  ): CallHandle;
}
