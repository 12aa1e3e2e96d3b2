/** tests/ and bench/ import packages by their names, never by paths into packages/; and tests/ imports nothing of bench/. */
import { type Import, importedPath, importsOf } from "./imports.ts";
import type { Fault, Repository, TextFile } from "./repository.ts";

export function privateImportFaults({
  outsiders,
}: Pick<Repository, "outsiders">): readonly Fault[] {
  return outsiders.flatMap((file) =>
    importsOf(file).flatMap((found) => {
      const reason = reasonAgainst(file, found);
      return reason === undefined ? [] : [{ path: file.path, line: found.line, reason }];
    }),
  );
}

function reasonAgainst(file: TextFile, { specifier }: Import): string | undefined {
  const path = importedPath(file, specifier);
  if (path?.startsWith("packages/")) {
    return `${specifier} is a file of a package: import the package, or @leveros/host/parts or @leveros/protocol/wire`;
  }
  if (path?.startsWith("bench/") && file.path.startsWith("tests/")) {
    return `${specifier} is a file of the bench: move what both need to tests/harness`;
  }
  return undefined;
}
