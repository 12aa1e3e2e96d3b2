import { expect, it } from "vitest";
import { privateImportFaults } from "./private-imports.ts";

const faultsIn = (text: string): readonly string[] =>
  privateImportFaults({ outsiders: [{ path: "tests/system/some.test.ts", text }] }).map(
    ({ path, line }) => `${path}:${line}`,
  );

it("an import of a file of a package is found", () => {
  const text =
    'import { join } from "node:path";\nimport { a } from "../../packages/host/src/a.ts";\n';
  expect(faultsIn(text)).toEqual(["tests/system/some.test.ts:2"]);
});

it("imports of packages and of the tests' own files are allowed", () => {
  const text =
    'import { Fleet } from "@leveros/host/parts";\nimport { b } from "../harness/b.ts";\n';
  expect(faultsIn(text)).toEqual([]);
});

it("an import of the bench in a test is found", () => {
  expect(faultsIn('import { c } from "../../bench/c.ts";\n')).toEqual([
    "tests/system/some.test.ts:1",
  ]);
});
