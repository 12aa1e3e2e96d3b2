import type { HttpResource } from "@leveros/protocol";

/** The live version of a service, as callers see it. */
export interface LiveVersion {
  readonly version: number;
  readonly isPrivate: boolean;
  /** undefined = not known: any name that may be a method's. */
  readonly methods: readonly string[] | undefined;
  /** The part of an HTTP request that names its resource. Default: none. */
  readonly httpResource?: HttpResource | undefined;
  /** Most bytes of the body of an HTTP request. Default: no limit. */
  readonly httpBodyBytesMax?: number | undefined;
  /** Files with which gateways answer HTTP requests. Default: none. */
  readonly files?: SiteFiles | undefined;
}

export interface SiteFiles {
  /** Absolute path. Its content never changes: each version has a folder of its own. */
  readonly folder: string;
  /** The file for pages that are not there, relative to the folder; undefined = none. */
  readonly fallback?: string | undefined;
}
