/** The live version of a service, as callers see it. */
export interface LiveVersion {
  readonly version: number;
  readonly isPrivate: boolean;
  /** undefined = not known: any name that may be a method's. */
  readonly methods: readonly string[] | undefined;
}
