import { expect, it } from "vitest";
import { importTableFaults, partOf, readImportTable } from "./import-table.ts";
import type { TextFile } from "./repository.ts";

const architecture: TextFile = {
  path: "ARCHITECTURE.md",
  text: `# A

## Who may import whom

| part | may import |
| --- | --- |
| protocol | nothing |
| host/store | nothing |
| host/gateway | host/store |
| host/gateway/fast | host/gateway |
| host/compose | everything |
`,
};

const faults = (path: string, text: string): readonly string[] =>
  importTableFaults({ architecture, sources: [{ path, text }] }).map(
    ({ line, reason }) => `${line} ${reason}`,
  );

it("a file belongs to the row with the longest path that leads to it", () => {
  const table = readImportTable(architecture);
  expect(partOf("packages/host/src/gateway/fast/a.ts", table)).toBe("host/gateway/fast");
  expect(partOf("packages/host/src/gateway/b.ts", table)).toBe("host/gateway");
  expect(partOf("packages/host/src/c.ts", table)).toBeUndefined();
});

it("an import that the table does not allow is a fault, with its line", () => {
  const text =
    'import type { A } from "../gateway/a.ts";\nimport {\n  b,\n} from "../gateway/b.ts";\n';
  expect(faults("packages/host/src/store/store.ts", text)).toEqual([
    "1 host/store may not import host/gateway",
    "4 host/store may not import host/gateway",
  ]);
});

it("allowed imports, Node's modules and tests are no faults", () => {
  const text =
    'import "node:fs";\nimport { a } from "../store/a.ts";\nexport * from "@leveros/protocol";\n';
  expect(faults("packages/host/src/gateway/a.ts", text)).toEqual([]);
  expect(faults("packages/host/src/store/a.test.ts", 'import "../gateway/a.ts";')).toEqual([]);
});

it("a file without a row is a fault", () => {
  expect(faults("packages/host/src/new/a.ts", "")).toEqual([
    "1 no row of the import table in ARCHITECTURE.md covers this file",
  ]);
});
