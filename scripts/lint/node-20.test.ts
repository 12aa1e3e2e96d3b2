import { expect, it } from "vitest";
import { node20Faults } from "./node-20.ts";

const faults = (path: string, text: string): readonly unknown[] =>
  node20Faults({ sources: [{ path, text }] });

it("functions that Node 20 lacks are found in the client and the protocol only", () => {
  const text = "const a = 1;\nconst b = Promise.withResolvers<void>();\n";
  const reason = "Node 20, on which the client runs, has no Promise.withResolvers";
  const path = "packages/client/src/a.ts";
  expect(faults(path, text)).toEqual([{ path, line: 2, reason }]);
  expect(faults("packages/protocol/src/a.ts", "Map.groupBy(a, b)")).toHaveLength(1);
  expect(faults("packages/host/src/a.ts", text)).toEqual([]);
  expect(faults("packages/client/src/a.test.ts", text)).toEqual([]);
  expect(faults(path, "// Node 20 has no `withResolvers`. text.isWellFormed()")).toEqual([]);
});
