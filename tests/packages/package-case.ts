/** A package of the registry, a service that uses it, and calls whose replies prove that it works. */
export interface PackageCase {
  /** The package that the row is about. */
  readonly name: string;
  /** Further packages that the service loads. */
  readonly beside?: readonly string[];
  /** The service's module. */
  readonly code: string;
  /** The name of that module. Default: `server.mjs`. */
  readonly jsEntry?: string;
  /** Further files of the service. */
  readonly files?: Readonly<Record<string, string>>;
  readonly calls: readonly (readonly [method: string, args: readonly unknown[], reply: unknown])[];
  /** Megabytes for an instance. Default: 256. */
  readonly ram?: number;
  /** `npm test` has this row too. Its packages are devDependencies of the repository. */
  readonly isQuick?: true;
}
