import { expect, it } from "vitest";
import { parts } from "../../packages/host/src/logs/parts.ts";
import { logPartFaults } from "./log-parts.ts";
import type { TextFile } from "./repository.ts";

const tableOf = (folders: readonly string[]): TextFile => ({
  path: "ARCHITECTURE.md",
  text: `\n## Who may import whom\n\n${folders.map((folder) => `| host/${folder} | nothing |\n`).join("")}`,
});

const folders = [...parts.filter((part) => part !== "host"), "clock", "compose", "logs"];

const reasons = (rows: readonly string[], sources: readonly TextFile[] = []): readonly string[] =>
  logPartFaults({ architecture: tableOf(rows), sources }).map(({ reason }) => reason);

it("the list has the folders of the import table", () => {
  expect(reasons(folders)).toEqual([]);
  expect(reasons([...folders, "unknown", "router/inner"])).toEqual(["the part unknown is missing"]);
  expect(reasons(folders.filter((folder) => folder !== "router"))).toEqual([
    "the import table has no part router",
  ]);
});

it("code logs as the folder it is in", () => {
  const text =
    'log("info", "fleet", "instance ready");\nthis.#options.log(\n  level,\n  "store",\n  "x");';
  expect(reasons(folders, [{ path: "packages/host/src/fleet/inner/a.ts", text }])).toEqual([
    "logs as store, but is part of fleet",
  ]);
  expect(reasons(folders, [{ path: "packages/host/src/compose/a.ts", text }])).toEqual([]);
});
