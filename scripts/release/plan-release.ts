import { dirname } from "node:path";
import { dateChangelog } from "./changelog.ts";
import { type Package, publishOrder, withVersion } from "./packages.ts";

/** A step of a release: a command, or a file with its new text. */
export type Step =
  | { readonly type: "run"; readonly command: readonly string[] }
  | { readonly type: "write"; readonly path: string; readonly text: string };

export interface ReleaseOptions {
  readonly version: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly packages: readonly Package[];
  readonly changelog: string;
  /** Also publish the packages. */
  readonly isPublished: boolean;
  /** The URL of the sources, for packages that are published. */
  readonly repositoryUrl?: string | undefined;
  /** The registry can prove which build a package comes from; only in a CI that it trusts. */
  readonly hasProvenance: boolean;
}

/** The steps of a release, in their order. A step that fails ends it. */
export function planRelease(options: ReleaseOptions): readonly Step[] {
  const { version, date, packages, changelog, isPublished } = options;
  const names = new Set(packages.map(({ manifest }) => manifest.name));
  const title = `Release ${version}`;
  return [
    run("npm", "run", "build"),
    run("npm", "run", "check"),
    run("npm", "run", "conform"),
    run("node", "--conditions=lever-source", "bench/guard.ts"),
    ...packages.map(({ path, manifest }) => {
      const url = options.repositoryUrl;
      const repository = url === undefined ? undefined : { url, directory: dirname(path) };
      return write(path, withVersion(manifest, version, { names, repository }));
    }),
    write("CHANGELOG.md", dateChangelog(changelog, { version, date })),
    // The lock file has the versions of the packages, too.
    run("npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"),
    run("git", "commit", "--all", "--message", title),
    run("git", "tag", "--annotate", `v${version}`, "--message", title),
    run("npm", "run", "archive", "--", "dist"),
    ...(isPublished ? publishOrder(published(packages)).map((one) => publish(one, options)) : []),
  ];
}

/** Without those whose files other packages contain. */
function published(packages: readonly Package[]): readonly Package[] {
  return packages.filter(({ manifest }) => manifest.private !== true);
}

function publish({ manifest }: Package, { hasProvenance }: ReleaseOptions): Step {
  const provenance = hasProvenance ? ["--provenance"] : [];
  return run("npm", "publish", "--workspace", manifest.name, "--access", "public", ...provenance);
}

function run(...command: string[]): Step {
  return { type: "run", command };
}

function write(path: string, text: string): Step {
  return { type: "write", path, text };
}
