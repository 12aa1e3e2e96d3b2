import { expect, it } from "vitest";
import { codeFrame } from "./code-frame.ts";

const source = "const a = 1;\nconst b = a.c.d;\n\texport { b };\n";

it("the line in question is shown with its neighbours, and the column is marked", () => {
  expect(codeFrame(source, { line: 2, column: 13 }, { isColored: false })).toBe(
    [
      "    1 │ const a = 1;",
      "  › 2 │ const b = a.c.d;",
      "      │             ^",
      "    3 │ \texport { b };",
    ].join("\n"),
  );
});

it("the mark stands below a line that begins with a tab", () => {
  const frame = codeFrame(source, { line: 3, column: 2 }, { isColored: false });
  expect(frame).toContain("  › 3 │ \texport { b };\n      │ \t^");
});

it("a place without a column has no mark, and one outside of the source no frame", () => {
  expect(codeFrame(source, { line: 1, column: undefined }, { isColored: false })).not.toContain(
    "^",
  );
  expect(codeFrame(source, { line: 9, column: 1 }, { isColored: false })).toBe("");
});

it("control characters of a source do not reach the terminal", () => {
  expect(codeFrame("\u001b[2J", { line: 1, column: 1 }, { isColored: false })).not.toContain(
    "\u001b",
  );
});
