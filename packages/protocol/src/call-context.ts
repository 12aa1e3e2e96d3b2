/** The call that a method is running for, as the method sees it. */
export interface CallContext {
  /** Identifies the call, as in `lever trace <id>` and in the responses of calls that failed. */
  readonly id: string;
  /** The header `traceparent` for requests that the method makes itself (W3C Trace Context). */
  readonly traceparent: string;
  /** Environment, service, version and id of the instance that runs the method. */
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
  readonly method: string;
  /** `""` without a resource. */
  readonly resource: string;
  /**
   * Number of the resource's current ownership; undefined without a resource. It increases each time an instance becomes
   * the owner, also across crashes and deploys. Store it with writes to another system to reject late writes of an
   * earlier owner.
   */
  readonly epoch: number | undefined;
  /** The calling service; undefined for callers from outside. Lever determines it, the caller cannot claim another. */
  readonly caller: { readonly environment: string; readonly service: string } | undefined;
  /** Milliseconds until the call's deadline, 0 once it has passed; undefined without a deadline. */
  readonly timeLeftMs: number | undefined;
  /** Aborted when the caller cancels the call or its deadline passes: the result will not be read. */
  readonly signal: AbortSignal;
}
