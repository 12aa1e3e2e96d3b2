/** What a method can know of the call that it is answering. */
export interface CallContext {
  /** Where the instance belongs. */
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
  readonly method: string;
  /** `""` when the call names none. */
  readonly resource: string;
  /**
   * Of the ownership of the resource: increases each time an instance gets it, over crashes and deploys. What is written
   * down with it elsewhere can be told from what an earlier owner writes late. undefined without a resource.
   */
  readonly epoch: number | undefined;
  /** The service that calls; undefined for callers from outside. Known by Lever, not claimed by the caller. */
  readonly caller: { readonly environment: string; readonly service: string } | undefined;
  /** Milliseconds until the call's deadline, 0 when it is over; undefined without one. */
  readonly timeLeftMs: number | undefined;
  /** Aborted when the caller leaves or the deadline is over: what the method still does is for nobody. */
  readonly signal: AbortSignal;
}
