import { expect, it } from "vitest";
import { isSourcePath } from "./source-path.ts";

it.each(["a.ts", "b/a.mts", "a.cts", "a.tsx", "a.jsx", "a.d.tsx"])("%j is a source", (path) => {
  expect(isSourcePath(path)).toBe(true);
});

it.each(["a.js", "a.d.ts", "a.d.mts", "a.d.css.ts", "a.ts.map", "a.tsx/b", "ts", ""])(
  "%j is no source",
  (path) => {
    expect(isSourcePath(path)).toBe(false);
  },
);
