import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeLoadError, listMethods } from "./load-service.ts";

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-load-"));
});

afterAll(() => rmSync(dir, { recursive: true }));

/** The methods of a module that Node imports in another process. */
function methodsOf(file: string, text: string): string[] {
  writeFileSync(join(dir, file), text);
  const script = `
    import { listMethods } from ${JSON.stringify(import.meta.resolve("./load-service.ts"))};
    console.log(JSON.stringify([...listMethods(await import(${JSON.stringify(join(dir, file))})).keys()]));`;
  const args = ["--conditions=lever-source", "--input-type=module", "-e", script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as string[];
}

describe("the methods and hooks of a module are its own exported functions:", () => {
  const members = `
    function one() {} const two = () => 2; async function threeChan() {} class Four {} function _five() {}
    function newResource() {} const six = 6;`;

  it.each([
    [
      "CommonJS",
      "a.cjs",
      `${members} module.exports = { one, two, threeChan, Four, _five, newResource, six };`,
    ],
    [
      "CommonJS with computed names",
      "b.cjs",
      `${members} for (const f of [one, two, threeChan, newResource]) exports[f.name] = f;`,
    ],
    [
      "an ES module",
      "c.mjs",
      `${members} export { one, two, threeChan, Four, _five, newResource, six }; export default one;`,
    ],
    [
      "TypeScript",
      "d.ts",
      `${members} export { one, two, threeChan, Four, _five, newResource, six }; export type T = string;`,
    ],
  ])("%s", (_name, file, text) => {
    expect(methodsOf(file, text).sort()).toEqual(["newResource", "one", "threeChan", "two"]);
  });

  it("inherited functions of a CommonJS object are not methods", () => {
    const text = "class A { inherited() {} own = () => 1; } module.exports = new A();";
    expect(methodsOf("e.cjs", text)).toEqual(["own"]);
  });

  it("exports without properties have no methods", () => {
    for (const exported of [undefined, null, 1, "text"]) expect(listMethods(exported).size).toBe(0);
  });
});

it("a load error has relative paths and no frames of the loader", () => {
  const error = new Error("no database");
  error.stack = `Error: no database\n    at Object.<anonymous> (/code/x/server.js:1:7)\n    at Module._compile (node:internal/modules/cjs/loader:1:1)`;
  expect(describeLoadError(error, "/code/x")).toBe(
    "Error: no database\n    at Object.<anonymous> (server.js:1:7)",
  );
  expect(describeLoadError({ code: 1 }, "/code/x")).toBe("{ code: 1 }");
  expect(describeLoadError("x".repeat(10_000), "/code/x")).toHaveLength(4_000);
});
