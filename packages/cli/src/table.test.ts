import { expect, it } from "vitest";
import { formatTable } from "./table.ts";

it("columns are as wide as their widest cell, and lines do not end with blanks", () => {
  const table = formatTable([
    ["NAME", "AGE", "NOTE"],
    ["a", "10m", ""],
    ["longer", "1s", "private"],
  ]);
  expect(table).toBe("NAME    AGE  NOTE\na       10m\nlonger  1s   private");
});
