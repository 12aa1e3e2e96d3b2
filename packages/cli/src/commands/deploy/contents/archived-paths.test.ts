import { expect, it } from "vitest";
import { ArchiveLayout } from "./archive-layout.ts";
import { withArchivedPaths } from "./archived-paths.ts";

const layout = new ArchiveLayout("/repo/packages/api", "/repo");
const place = { source: "/repo/packages/api/tsconfig.json", path: "tsconfig.json", layout };

it.each([
  [
    { paths: { "@lib/*": ["../lib/src/*"], "@/*": ["./src/*"] } },
    { paths: { "@lib/*": ["./node_modules/.workspace/packages/lib/src/*"], "@/*": ["./src/*"] } },
  ],
  [
    { baseUrl: "../..", paths: { lib: ["packages/lib/src"], api: ["packages/api/src/index.ts"] } },
    { paths: { lib: ["./node_modules/.workspace/packages/lib/src"], api: ["./src/index.ts"] } },
  ],
  [
    { baseUrl: "src", strict: true, paths: { "~/*": ["*"] } },
    { baseUrl: "src", strict: true, paths: { "~/*": ["./*"] } },
  ],
  [{ paths: { out: ["../../../other/*"] } }, { paths: { out: [] } }],
  [{ baseUrl: "../.." }, {}],
  [{ strict: true }, { strict: true }],
])("the options %j become %j in an archive", (compilerOptions, expected) => {
  expect(withArchivedPaths({ compilerOptions }, place)).toEqual({ compilerOptions: expected });
});
