import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import compiler from "typescript6";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { transformFolder } from "./transform-folder.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lever-transform-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** The texts of the transformed files, without source maps, by their paths. */
function transform(
  files: Readonly<Record<string, string>>,
  entry = "server.ts",
): Record<string, string> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const found = [...transformFolder(compiler, { folder, entry })];
  return Object.fromEntries(
    found.filter(({ path }) => !path.endsWith(".map")).map(({ path, text }) => [path, text]),
  );
}

const isModule = (text: string | undefined): boolean => /\.mjs\.map\n$/.test(text ?? "");

describe("the format of a source is that of tsc's output:", () => {
  const module = "export const a: number = 1;";
  const script = "const a: number = 1;";

  it.each<[string, string, Record<string, unknown> | undefined, string | undefined, boolean]>([
    ["a.mts", script, { module: "commonjs" }, "commonjs", true],
    ["a.cts", module, { module: "esnext" }, "module", false],
    ["a.ts", module, { module: "commonjs" }, "module", false],
    ["a.ts", module, { module: "nodenext" }, "module", true],
    ["a.ts", module, { module: "node16" }, undefined, false],
    ["a.ts", module, { module: "esnext" }, "commonjs", true],
    ["a.ts", script, { module: "esnext" }, undefined, false],
    ["a.ts", "const a = 1; export = a;", { module: "preserve" }, undefined, false],
    ["a.ts", module, { target: "es2022" }, undefined, true],
    ["a.ts", module, { target: "es5" }, undefined, false],
    ["a.ts", module, {}, "commonjs", false],
    ["a.ts", script, {}, "module", true],
    ["a.ts", module, undefined, undefined, true],
    ["a.ts", script, undefined, undefined, false],
    ["a.ts", `${module} require("x");`, undefined, undefined, false],
    ["a.ts", `${module} import.meta.url; __filename;`, undefined, undefined, true],
  ])("%s with %j, tsconfig %j and type %j", (path, text, compilerOptions, type, expected) => {
    const files = {
      [path]: text,
      "package.json": JSON.stringify({ type }),
      ...(compilerOptions && { "tsconfig.json": JSON.stringify({ compilerOptions }) }),
    };
    expect(isModule(transform(files)[path])).toBe(expected);
  });
});

it("specifiers that are literals name the files that TypeScript means", () => {
  const files = {
    "package.json": '{ "type": "module", "imports": { "#z": "./src/z.js" } }',
    "tsconfig.json": '{ "compilerOptions": { "paths": { "@/*": ["./*"] }, "baseUrl": "src" } }',
    "src/y.ts": "export const y = 1;",
    "src/z.ts": "export const z = 1;",
    "src/d.js": "export const d = 1;",
    "src/d.d.ts": "export const d: number;",
    "src/f/index.ts": "export const f = 1;",
    "server.ts": `import "./src/y"; import "./src/y.js"; import "./src/f"; import "@/y"; import "z"; import "#z";
      import "./src/d"; import "node:fs"; import "package"; import "./missing"; export * from "./src/z.js";
      import("./src/y.js"); import(String("./y")); new Worker(new URL("./src/y.js", import.meta.url)); require("./src/y");`,
  };
  const text = transform(files)["server.ts"] ?? "";
  expect([...text.matchAll(/"([^"]+)"/g)].map(([, specifier]) => specifier)).toEqual([
    ...["./src/y.ts", "./src/y.ts", "./src/f/index.ts", "./src/y.ts", "./src/z.ts", "./src/z.ts"],
    ...["./src/d.js", "node:fs", "package", "./missing", "./src/z.ts"],
    ...["./src/y.ts", "./y", "./src/y.ts", "./src/y.ts"],
  ]);
});

it("paths may lead into packages of a workspace, which names alone do not change", () => {
  const files = {
    "tsconfig.json": `{ "compilerOptions": { "paths": { "@lib/*": ["./node_modules/.workspace/lib/*"] } } }`,
    "server.ts":
      'import { A } from "@lib/a"; import "lib"; export { T } from "lib"; export const a = A.B;',
    "node_modules/.workspace/lib/a.ts": "export const enum A { B = 5 }",
    "node_modules/.workspace/lib/index.ts":
      'export enum E { F } export interface T { a: 1 } import "./a";',
    "node_modules/.workspace/lib/package.json": '{ "name": "lib", "main": "index.ts" }',
  };
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(".workspace/lib", join(folder, "node_modules/lib"));
  const text = transform(files)["server.ts"] ?? "";
  expect(text).toContain("a = 5");
  expect(text).toContain('import "lib"');
  expect(text).not.toContain("T");
  const used = { ...files, "server.ts": 'import "@lib/a";' };
  expect(transform(used)["server.ts"]).toContain('import "./node_modules/.workspace/lib/a.ts"');
});

it("sources are own files, packages of a workspace, and packages that start with one", () => {
  const source = "export const enum A { B }";
  const files = {
    "server.ts": source,
    "a.jsx": source,
    "types.d.ts": source,
    "styles.d.css.ts": source,
    "node_modules/.workspace/lib/a.ts": source,
    "node_modules/.workspace/lib/node_modules/b/b.ts": source,
    "node_modules/c/c.ts": source,
    "node_modules/@own/d/package.json": '{ "exports": { ".": { "default": "./d.ts" } } }',
    "node_modules/@own/d/d.ts": source,
    "node_modules/e/package.json": '{ "main": "e.js", "exports": { "types": "./e.ts" } }',
    "node_modules/e/e.ts": source,
    "node_modules/g/package.json":
      '{ "exports": { ".": { "@g/source": "./g.ts", "import": "./g.js" } } }',
    "node_modules/g/g.ts": source,
    "node_modules/.pnpm/f@1/node_modules/f/package.json": '{ "main": "./f.ts" }',
    "node_modules/.pnpm/f@1/node_modules/f/f.ts": source,
  };
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(".workspace/lib", join(folder, "node_modules/lib"));
  symlinkSync("server.ts", join(folder, "link.ts"));
  expect(Object.keys(transform(files)).sort()).toEqual([
    "a.jsx",
    "node_modules/.pnpm/f@1/node_modules/f/f.ts",
    "node_modules/.workspace/lib/a.ts",
    "node_modules/@own/d/d.ts",
    "server.ts",
  ]);
});

it("sources that tsc would write to one file each keep their own", () => {
  const files = { "server.ts": "export enum A { B }", "server.tsx": "export const c = <b>1</b>;" };
  const texts = transform(files);
  expect(texts["server.ts"]).toContain('A["B"]');
  expect(texts["server.tsx"]).toContain("_jsx");
});

describe("a syntax error", () => {
  it("in a file that the entry imports names file, line and column", () => {
    const files = { "server.ts": 'import "./a";', "a.ts": 'import "./b";', "b.ts": "\n  let = ;" };
    expect(() => transform(files)).toThrow("b.ts:2:9: Expression expected.");
  });

  it("in another file is thrown when that file is loaded", () => {
    const files = { "server.ts": "export const a = 1;", "template.ts": "const a = {{ name }};" };
    expect(transform(files)["template.ts"]).toContain('throw new SyntaxError("template.ts:1:12: ');
  });

  it("in tsconfig.json names file, line and column", () => {
    expect(() =>
      transform({ "server.ts": "", "tsconfig.json": '{ "compilerOptions": [ }' }),
    ).toThrow(/^tsconfig\.json:1:24: /);
  });
});

describe("a tsconfig.json", () => {
  it.each([
    ["that extends a missing file", { extends: "./base" }, "'./base'"],
    ["that extends a missing package", { extends: "@tsconfig/node24" }, "@tsconfig/node24"],
    ["that extends a file outside of the folder", { extends: "/etc/hostname" }, "/etc/hostname"],
    ["that extends itself", { extends: "./tsconfig.json" }, "Circularity"],
  ])("%s is refused with the remedy", (_name, config, named) => {
    const files = { "server.ts": "", "tsconfig.json": JSON.stringify(config) };
    const remedy = /What a tsconfig\.json extends must be in the service folder\.$/;
    expect(() => transform(files)).toThrow(remedy);
    expect(() => transform(files)).toThrow(named);
  });

  it.each([
    ["to itself has its own options", "./tsconfig.json", {}],
    ["in a circle has those of the last one", "./a.json", { references: [{ path: "." }] }],
  ])("that only refers %s", (_name, path, other) => {
    const config = { files: [], compilerOptions: { jsx: "react" }, references: [{ path }] };
    const files = {
      "server.tsx": "export const a = <b />;",
      "tsconfig.json": JSON.stringify(config),
      "a.json": JSON.stringify({ ...config, ...other }),
    };
    expect(transform(files, "server.tsx")["server.tsx"]).toContain("React.createElement");
  });

  it("of a folder above does not count for packages of a workspace", () => {
    const source = "export class A { constructor(readonly b = 1) {} declare c: string; d; }";
    const files = {
      "tsconfig.json": '{ "compilerOptions": { "target": "es2020" } }',
      "server.ts": source,
      "node_modules/.workspace/lib/server.ts": source,
    };
    const texts = transform(files);
    expect(texts["server.ts"]).not.toMatch(/^ {4}d;$/m);
    expect(texts["node_modules/.workspace/lib/server.ts"]).toMatch(/^ {4}d;$/m);
  });
});
