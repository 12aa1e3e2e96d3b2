// One file, although long: all modules of the table are loaded in one process, which takes a second to start.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listMethods } from "./list-methods.ts";

let dir: string;
/** The names of the methods of each file, or why it is refused. */
let outcomes: Record<string, string>;

const members = `
  function one() {} const two = () => 2; async function threeChan() {} class Four {} function _five() {}
  function newResource() {} const six = 6;`;
const all = "newResource one threeChan two";
const service = `
  class Base { base() {} same() { return "base"; } constructor() { this.data = 1; } toString() { return ""; } get x() { return () => 1; } }
  class Service extends Base { own = () => 1; method() {} same() {} _hidden() {} static no() {} #private() {} }`;
const noMethods = "it has no methods, as it exports";

/** File, text, and the methods or the reason of a refusal. */
const modules: readonly (readonly [name: string, file: string, text: string, expected: string])[] =
  [
    [
      "CommonJS",
      "a.cjs",
      `${members} module.exports = { one, two, threeChan, Four, _five, newResource, six };`,
      all,
    ],
    [
      "CommonJS with computed names",
      "b.cjs",
      `${members} for (const f of [one, two, threeChan, newResource]) exports[f.name] = f;`,
      all,
    ],
    [
      "an ES module",
      "c.mjs",
      `${members} export { one, two, threeChan, Four, _five, newResource, six }; export default one;`,
      all,
    ],
    [
      "TypeScript",
      "d.ts",
      `${members} export { one, two, threeChan, Four, _five, newResource, six }; export type T = string;`,
      all,
    ],
    [
      "a default export of functions",
      "e.mjs",
      `${members} export default { one, two, threeChan, Four, _five, newResource, six };`,
      all,
    ],
    [
      "a default export that TypeScript compiled",
      "f.cjs",
      `${members} exports.__esModule = true; exports.default = { one, two, threeChan, newResource };`,
      all,
    ],
    [
      "an instance in CommonJS",
      "g.cjs",
      `${service} module.exports = new Service();`,
      "base method own same",
    ],
    [
      "an instance as the default",
      "h.mjs",
      `${service} export default new Service();`,
      "base method own same",
    ],
    [
      "an instance of an EventEmitter",
      "i.mjs",
      `import { EventEmitter } from "node:events"; export default new (class extends EventEmitter { hello() {} })();`,
      "hello",
    ],
    [
      "an instance of a Map",
      "j.cjs",
      `module.exports = new (class extends Map { hello() {} })();`,
      "hello",
    ],
    [
      "an app as the default, whose other functions are its own",
      "app.mjs",
      `export const hello = () => 1; export default { fetch() {}, get() {}, scheduled() {} };`,
      "fetch hello",
    ],
    [
      "an app of a class in CommonJS",
      "app.cjs",
      `module.exports = new (class { fetch() {} route() {} })();`,
      "fetch",
    ],
    [
      "fetch beside other exports in CommonJS",
      "fetch.cjs",
      `exports.fetch = () => 1; exports.hello = () => 1;`,
      "fetch hello",
    ],
    [
      "named exports beside a default",
      "k.mjs",
      `export const named = () => 1; export default { other() {} };`,
      "named other",
    ],
    [
      "a function with properties",
      "l.cjs",
      `module.exports = () => 1; module.exports.hello = () => 1;`,
      "hello",
    ],
    [
      "a getter",
      "m.cjs",
      `Object.defineProperty(exports, "hello", { enumerable: true, get: () => () => 1 });`,
      "hello",
    ],
    [
      "inherited names of a plain object",
      "n.cjs",
      `module.exports = Object.create({ base() {}, toString() {} });`,
      "base",
    ],
    ["a Proxy", "o.cjs", `module.exports = new Proxy({ hello() {} }, {});`, "hello"],
    [
      "a Proxy with endless prototypes",
      "p.cjs",
      `const endless = () => new Proxy({ hello() {} }, { getPrototypeOf: endless }); module.exports = endless();`,
      "hello",
    ],
    [
      "nothing",
      "q.cjs",
      "",
      `${noMethods} nothing. Export a function, for example: exports.hello = () => "Hello"`,
    ],
    [
      "nothing as an ES module",
      "r.mjs",
      "",
      `${noMethods} nothing. Export a function, for example: export const hello = () => "Hello"`,
    ],
    [
      "values",
      "s.cjs",
      "module.exports = { a: 1, b: null, c: [], d: {}, e: undefined, f: '' };",
      `${noMethods} only a (a number), b (null), c (a list), d (an object), e (undefined), and 1 more. Export a function, for example: exports.hello = () => "Hello"`,
    ],
    [
      "a class",
      "t.cjs",
      "module.exports = class Greeter { hello() {} };",
      `${noMethods} only a class. Export an instance: module.exports = new Greeter()`,
    ],
    [
      "a default class",
      "u.mjs",
      "export default class Greeter { hello() {} }",
      `${noMethods} only default (a class). Export an instance: export default new Greeter()`,
    ],
    [
      "a default function",
      "v.mjs",
      "export default function greet() {}",
      `${noMethods} only default (a function). A method needs a name: export { greet }`,
    ],
    [
      "a default arrow function",
      "w.mjs",
      "export default () => 1;",
      `${noMethods} only default (a function). A method needs a name: export { hello }`,
    ],
    [
      "a function",
      "x.cjs",
      "module.exports = (a) => a;",
      `${noMethods} only a function. A method needs a name: module.exports = { hello }`,
    ],
    [
      "private names",
      "y.mjs",
      "export const _a = () => 1;",
      `${noMethods} only _a (a function). Names that start with _ are private: export a function without it`,
    ],
    [
      "only a hook",
      "z.mjs",
      "export const newResource = () => 1;",
      `${noMethods} only newResource (a function). Export a function, for example: export const hello = () => "Hello"`,
    ],
    [
      "then",
      "then.mjs",
      "export const hello = () => 1; export function then(resolve) {}",
      "it exports a function named then, so that JavaScript takes the module for a promise. Give the function another name",
    ],
    [
      "then of CommonJS",
      "then.cjs",
      "exports.then = () => process.exit(1); exports.hello = () => 1;",
      "it exports a function named then, so that JavaScript takes the module for a promise. Give the function another name",
    ],
    [
      "200,000 methods",
      "many.cjs",
      `for (let i = 0; i < 200_000; i++) exports["m" + i] = () => i;`,
      "it exports more than 10000 methods, or methods whose names have more than 500000 characters. Export fewer functions",
    ],
    [
      "one very long name",
      "long.cjs",
      `exports["m".repeat(1_000_000)] = () => 1;`,
      "it exports more than 10000 methods, or methods whose names have more than 500000 characters. Export fewer functions",
    ],
    [
      "a getter that throws",
      "throws.cjs",
      `Object.defineProperty(exports, "old", { enumerable: true, get() { throw new Error("gone"); } });`,
      "its export old cannot be read: gone",
    ],
    [
      "a Proxy that throws",
      "proxy.cjs",
      `module.exports = new Proxy({}, { ownKeys() { throw new Error("no keys"); } });`,
      "Error: no keys\n    at Object.ownKeys (proxy.cjs:1:52)\n    at Object.keys (<anonymous>)",
    ],
    [
      "an error at the top",
      "error.mjs",
      `throw new TypeError("no database");`,
      "TypeError: no database\n    at error.mjs:1:7",
    ],
    ["top-level await", "awaits.mjs", `await null; export const one = () => 1;`, "one"],
    [
      "top-level await and a function then",
      "thenable.mjs",
      `await null; export const then = (resolve) => resolve({ hello: () => 1 });`,
      "it exports a function named then, so that JavaScript takes the module for a promise. Give the function another name",
    ],
    [
      "a package that is missing",
      "missing.cjs",
      `require("nothing-here");`,
      "Error: Cannot find module 'nothing-here'\nRequire stack:\n- missing.cjs\n    at Object.<anonymous> (missing.cjs:1:1)",
    ],
    [
      "a syntax error in CommonJS",
      "syntax.cjs",
      `exports.a = () => {};\nexports.b = ;`,
      "syntax.cjs:2\nexports.b = ;\n            ^\n\nSyntaxError: Unexpected token ';'",
    ],
    [
      "a syntax error in an ES module",
      "syntax.mjs",
      `export const a = 1;\nexport const b = ;`,
      "syntax.mjs:2\nexport const b = ;\n                 ^\n\nSyntaxError: Unexpected token ';'",
    ],
    [
      "a syntax error in an imported ES module",
      "imports-syntax.mjs",
      `import * as found from "./syntax.mjs";\nexport const a = () => found;`,
      "syntax.mjs:2\nexport const b = ;\n                 ^\n\nSyntaxError: Unexpected token ';'",
    ],
    [
      "a syntax error in an ES module that CommonJS requires",
      "requires-syntax.cjs",
      `exports.a = () => 1;\nrequire("./syntax.mjs");`,
      "syntax.mjs:2\nexport const b = ;\n                 ^\n\nSyntaxError: Unexpected token ';'",
    ],
    [
      "types in JavaScript",
      "types.mjs",
      `export const a = () => 1;\nexport const b: number = 1;`,
      "types.mjs:2\nexport const b: number = 1;\n              ^\n\nSyntaxError: Missing initializer in const declaration",
    ],
    [
      "an export that is missing",
      "wrong-import.mjs",
      `import { nothing } from "./awaits.mjs";\nexport const a = nothing;`,
      "wrong-import.mjs:1\nimport { nothing } from \"./awaits.mjs\";\n         ^\n\nSyntaxError: The requested module './awaits.mjs' does not provide an export named 'nothing'",
    ],
    [
      "an import of nothing",
      "import.mjs",
      `import "./nothing.js";`,
      "Error [ERR_MODULE_NOT_FOUND]: Cannot find module 'nothing.js' imported from import.mjs",
    ],
  ];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-load-"));
  for (const [, file, text] of modules) writeFileSync(join(dir, file), text);
  const script = `
    import { describeLoadError } from ${JSON.stringify(import.meta.resolve("./describe-load-error.ts"))};
    import { loadService } from ${JSON.stringify(import.meta.resolve("./load-service.ts"))};
    const dir = ${JSON.stringify(dir)}, outcomes = {};
    for (const file of ${JSON.stringify(modules.map(([, file]) => file))}) {
      outcomes[file] = await loadService(dir, file).then(
        (methods) => [...methods.keys()].sort().join(" "),
        async (error) =>
          (await describeLoadError(error, { codeDir: dir, jsEntry: file })).replace(/\\n.*eval1.*/, ""),
      );
    }
    console.log(JSON.stringify(outcomes));`;
  const args = ["--conditions=lever-source", "--input-type=module", "-e", script];
  outcomes = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
});

afterAll(() => rmSync(dir, { recursive: true }));

describe("the methods of a module, or why it is refused:", () => {
  it.each(modules)("%s", (_name, file, _text, expected) => {
    expect(outcomes[file]).toBe(expected);
  });
});

it("exports without properties have no methods", () => {
  for (const exported of [undefined, null, 1, "text"]) expect(listMethods(exported).size).toBe(0);
});

it("a named export precedes a method of the default export", () => {
  const named = (): number => 1;
  const methods = listMethods({ same: named, default: { same: () => 2 } });
  expect(methods.get("same")?.call).toBe(named);
});

it("the owner of a method is the object that exports it", () => {
  const byDefault = { b: () => 1 };
  const exported = { a: () => 1, default: byDefault };
  const methods = listMethods(exported);
  expect(methods.get("a")?.owner).toBe(exported);
  expect(methods.get("b")?.owner).toBe(byDefault);
});
