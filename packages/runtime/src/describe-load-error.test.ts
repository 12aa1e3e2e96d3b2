import { expect, it } from "vitest";
import { describeLoadError } from "./describe-load-error.ts";
import { UnusableModule } from "./list-methods.ts";

it("a load error has relative paths and no frames of the loader", async () => {
  const error = new Error("no database");
  error.stack = `Error: no database\n    at Object.<anonymous> (/code/x/server.js:1:7)\n    at Module._compile (node:internal/modules/cjs/loader:1:1)\n    at async main (${import.meta.filename}:1:1)\n    at data:text/javascript,import:1:1`;
  expect(await describeLoadError(error, { codeDir: "/code/x" })).toBe(
    "Error: no database\n    at Object.<anonymous> (server.js:1:7)",
  );
  expect(
    await describeLoadError(new UnusableModule("it has no methods"), { codeDir: "/code/x" }),
  ).toBe("it has no methods");
  expect(await describeLoadError({ code: 1 }, { codeDir: "/code/x" })).toBe("{ code: 1 }");
  expect(await describeLoadError("x".repeat(10_000), { codeDir: "/code/x" })).toHaveLength(4_000);
});
