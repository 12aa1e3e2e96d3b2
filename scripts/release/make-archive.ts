import { chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface ArchiveOptions {
  readonly version: string;
  /** The packages of Lever, packed. */
  readonly tarballs: readonly string[];
  /** The program of Node that goes into it. */
  readonly node: string;
  /** The folder to make it in. */
  readonly dir: string;
  readonly repository: string;
  /** 1 is the fastest, 9 makes the smallest archive. */
  readonly gzipLevel: 1 | 9;
  /** Runs a command, which must succeed. */
  readonly run: (words: readonly string[], cwd: string) => Promise<unknown>;
}

/** Starts lever with the Node beside it, from wherever a link to it is. */
const LAUNCHER = `#!/bin/sh
home=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$home/lib/node" "$home/lib/node_modules/@leveros/cli/bin/lever.js" "$@"
`;

/**
 * Makes the archive of a version, with Node inside: nothing else has to be installed.
 * @returns its folder, which the archive beside it contains.
 */
export async function makeArchive(options: ArchiveOptions): Promise<string> {
  const { version, tarballs, node, dir, repository, gzipLevel, run } = options;
  const name = `lever-${version}-${process.platform}-${process.arch}`;
  const folder = join(dir, name);
  const lib = join(folder, "lib");
  await mkdir(join(folder, "bin"), { recursive: true });
  await mkdir(lib);
  await run(
    ["npm", "install", "--prefix", lib, "--no-audit", "--no-fund", "--prefer-offline", ...tarballs],
    dir,
  );
  await cp(node, join(lib, "node"));
  await writeFile(join(folder, "bin/lever"), LAUNCHER);
  await chmod(join(folder, "bin/lever"), 0o755);
  for (const file of ["LICENSE", "README.md", "CHANGELOG.md"]) {
    await cp(join(repository, file), join(folder, file));
  }
  const compress = `--use-compress-program=gzip -${gzipLevel}`;
  await run(["tar", compress, "-cf", `${name}.tar.gz`, name], dir);
  return folder;
}
