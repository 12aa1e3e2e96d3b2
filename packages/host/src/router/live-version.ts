/** What a live version promises to callers. */
export interface LiveVersion {
  readonly version: number;
  readonly isPrivate: boolean;
  /** undefined = not known: any name that may be a method's. */
  readonly methods: readonly string[] | undefined;
}
