/** A package.json, as far as a release changes it. Other fields stay as they are. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface Package {
  /** The path of its package.json, from the repository's root. */
  readonly path: string;
  readonly manifest: Manifest;
}

/** The packages, each after those that it depends on. @throws Error when they depend on one another in a circle. */
export function publishOrder(packages: readonly Package[]): readonly Package[] {
  const names = new Set(packages.map(({ manifest }) => manifest.name));
  const ordered: Package[] = [];
  const done = new Set<string>();
  while (ordered.length < packages.length) {
    const ready = packages.filter(
      ({ manifest }) =>
        !done.has(manifest.name) &&
        Object.keys(manifest.dependencies ?? {}).every(
          (name) => !names.has(name) || done.has(name),
        ),
    );
    if (ready.length === 0) throw new Error("Cannot order the packages: they depend on a circle.");
    for (const one of ready) done.add(one.manifest.name);
    ordered.push(...ready);
  }
  return ordered;
}

/** Where the sources of the packages are, as package.json names it. @throws Error unless a git remote has this URL. */
export function repositoryUrl(remote: string): string {
  const [, host, path] =
    /^(?:https:\/\/|ssh:\/\/git@|git@)([\w.-]+)[/:]([\w./-]+?)(?:\.git)?\/?$/.exec(remote) ?? [];
  if (host === undefined || path === undefined) {
    throw new Error(
      `Cannot publish: packages name their repository, and the remote origin is ${remote || "not set"}. Set it with: git remote add origin URL`,
    );
  }
  return `git+https://${host}/${path}.git`;
}

/** The text of a package.json with a version, also in its dependencies on the other packages, and with its repository. */
export function withVersion(
  manifest: Manifest,
  version: string,
  {
    names,
    repository,
  }: {
    readonly names: ReadonlySet<string>;
    readonly repository?: { readonly url: string; readonly directory: string } | undefined;
  },
): string {
  const pinned = (of: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(of).map(([name, range]) => [name, names.has(name) ? version : range]),
    );
  const { dependencies, devDependencies } = manifest;
  const changed = {
    ...manifest,
    version,
    ...(dependencies !== undefined && { dependencies: pinned(dependencies) }),
    ...(devDependencies !== undefined && { devDependencies: pinned(devDependencies) }),
    ...(repository !== undefined && { repository: { type: "git", ...repository } }),
  };
  return `${JSON.stringify(changed, null, 2)}\n`;
}
