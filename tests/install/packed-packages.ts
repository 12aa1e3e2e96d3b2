import { join } from "node:path";
import { mustRun } from "./run-program.ts";

const repository = join(import.meta.dirname, "../..");

/** A package as it would be published. */
export interface PackedPackage {
  readonly name: string;
  readonly tarball: string;
  readonly files: readonly string[];
  readonly manifest: PackedManifest;
}

interface PackedManifest {
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly license?: string;
  readonly keywords?: readonly string[];
  readonly exports?: Readonly<Record<string, unknown>>;
}

/** What npm prints of a package. */
interface NpmPacked {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Packs every package of the repository that is published, and is built, into a folder. */
export async function packPackages(dir: string): Promise<readonly PackedPackage[]> {
  const words = ["npm", "pack", "--workspaces", "--json", "--silent", "--pack-destination", dir];
  const text = await mustRun(words, { cwd: repository });
  const packed = JSON.parse(text.slice(text.search(/^[[{]/m))) as
    | readonly NpmPacked[]
    | Readonly<Record<string, NpmPacked>>;
  const found = await Promise.all(
    Object.values(packed).map(async ({ name, filename, files }) => {
      const tarball = join(dir, filename);
      const manifest = await mustRun(["tar", "-xzOf", tarball, "package/package.json"], {
        cwd: dir,
      });
      return {
        name,
        tarball,
        files: files.map(({ path }) => path),
        manifest: JSON.parse(manifest) as PackedManifest,
      };
    }),
  );
  return found.filter(({ manifest }) => manifest.private !== true);
}

/** Files that belong into no package: of tests, of the build, and maps of sources that are not there. */
export function leftoversOf({ files }: PackedPackage): readonly string[] {
  return files.filter((path) => /\.test\.|\.tsbuildinfo$|\.map$|^src\/|^tsconfig/.test(path));
}
