/** tests/ and bench/ import packages by their names, never by paths into packages/. */
import { importedPath, importsOf } from "./imports.ts";
import type { Fault, Repository } from "./repository.ts";

export function privateImportFaults({
  outsiders,
}: Pick<Repository, "outsiders">): readonly Fault[] {
  return outsiders.flatMap((file) =>
    importsOf(file)
      .filter(({ specifier }) => importedPath(file, specifier)?.startsWith("packages/"))
      .map(({ specifier, line }) => ({
        path: file.path,
        line,
        reason: `${specifier} is a file of a package: import the package, or @leveros/host/parts or @leveros/protocol/wire`,
      })),
  );
}
