/** TypeScript services, one for each way in which tsc and Node decide about modules, and what their methods answer. */
export interface TypeScriptService {
  readonly name: string;
  readonly jsEntry: string;
  readonly files: Readonly<Record<string, string>>;
  /** The reply of each method. */
  readonly answers: Readonly<Record<string, unknown>>;
  /** Method that throws, the file and line of its `throw` in the source. */
  readonly failing: Readonly<Record<string, string>>;
}

/** Sources that every module format takes, by the way in which they are imported. */
const shared = {
  "src/shapes.ts": `
    export interface Shape { readonly side: number }
    export type Id = string | number;
    export const enum Color { Red = 1, Green = 2 }
    export enum Level { Low = "low", High = "high" }
    export enum Bits { A = 1 << 0, B = 1 << 1, AB = A | B }
    export abstract class Engine { protected constructor(readonly power: number) {} }
    export class Diesel extends Engine { constructor() { super(3); } }
    export namespace Geo {
      export const pi = 3;
      export namespace Inner { export function two(): number { return 2; } }
    }`,
  "src/folder/index.ts": `export const where: string = "folder/index.ts";`,
  "src/data.json": `{ "greeting": "from JSON", "with-dash": 1 }`,
  "src/failing.ts": `interface Padding { a: 1; b: 2; c: 3 }


type More = Padding;
export function fails(given: More | undefined): never {
  throw new Error(\`on line six \${given}\`);
}`,
  "src/worker.ts": `
    import { parentPort } from "node:worker_threads";
    import { Level } from "./shapes";
    enum Where { Worker = "worker" }
    parentPort!.postMessage([Where.Worker, Level.High]);`,
  "src/failing-worker.ts": `interface Padding { a: 1 }

enum Kind { Bad = "bad" }
const later: Padding | undefined = undefined;
throw new Error(Kind.Bad + later);`,
};

/** Methods that every module format takes. */
const methods = `
  enum Local { One = 1, Two }
  namespace Words { export const hello = "hello"; }
  class Point { constructor(private readonly x: number, public y = 2) {} sum(): number { return this.x + this.y; } }
  class Fields { given = "field"; declare later: string; accessor level = 1; }
  function overloaded(a: string): string;
  function overloaded(a: number): string;
  function overloaded(a: unknown): string { return typeof a; }
  export const enums = (): unknown => [Local.Two, Local[1], Color.Green, Level.High, Bits.AB];
  export const namespaces = (): unknown => [Words.hello, Geo.pi, Geo.Inner.two()];
  export const parameterProperties = (): unknown => new Point(1).sum();
  export const classFields = (): unknown => Object.keys(new Fields());
  export const abstractClasses = (): unknown => new Diesel().power;
  export const overloads = (): unknown => overloaded(1);
  export const assertions = (): unknown => [<number>(1 as unknown), (2 satisfies number)!, "x" as const];
  export const typeImports = (shape: Shape = { side: 4 }, id: Id = 1): unknown => [shape.side, id];
  export const folders = (): unknown => where;
  export const computedImport = async (name = "folder"): Promise<unknown> => (await import(\`./\${name}\`)).where;
  export async function* countChan() { for (const n of [Local.One, Local.Two]) yield n; }
  export function usings(): unknown {
    const order: string[] = [];
    { using held = { [Symbol.dispose]: () => order.push("disposed") }; order.push(typeof held); }
    return order;
  }
  async function stackOf(action: () => unknown): Promise<unknown> {
    try { return await action(); } catch (error) { console.error(error); return (error as Error).stack; }
  }
  function asPromise(worker: Worker): Promise<unknown> {
    return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  }`;

const answers = {
  enums: [2, "One", 2, "high", 3],
  namespaces: ["hello", 3, 2],
  parameterProperties: 3,
  abstractClasses: 3,
  overloads: "number",
  assertions: [1, 2, "x"],
  typeImports: [4, 1],
  folders: "folder/index.ts",
  computedImport: "folder/index.ts",
  usings: ["object", "disposed"],
};

const legacyDecorators = `
  import "reflect-metadata-lite";
  const seen: string[] = [];
  function named(name: string): ClassDecorator & PropertyDecorator & MethodDecorator {
    return ((target: object, key?: string | symbol) => {
      const type = key && (Reflect as any).getMetadata("design:type", target, key);
      seen.push([name, String(key), type?.name].join(":"));
    }) as never;
  }
  function injected(target: object, _key: unknown, index: number) { seen.push("parameter " + index); }
  @named("class")
  class Injected {
    @named("text") text!: string;
    @named("engine") engine!: Diesel;
    @named("shape") shape!: Shape;
    @named("promise") promise!: Promise<void>;
    constructor(@injected readonly engineOf: Diesel) {}
  }
  export const decorators = (): unknown => [...seen, Injected.name];`;

const reflect = `
  const all = new Map();
  Reflect.metadata = (key, value) => (target, property) => { all.set([key, property].join(), value); };
  Reflect.getMetadata = (key, _target, property) => all.get([key, property].join());`;

/** module: commonjs, with a chain of tsconfigs, paths, baseUrl, legacy decorators and their metadata. */
const commonJs: TypeScriptService = {
  name: "commonJs",
  jsEntry: "src/server.ts",
  files: {
    ...shared,
    "package.json": `{ "private": true }`,
    "tsconfig.json": `{
      // Comments and a trailing comma.
      "extends": "./config/paths.json",
      "compilerOptions": { "outDir": "dist", "rootDir": "src", "declaration": true, "sourceMap": false, },
    }`,
    "config/paths.json": `{
      "extends": ["@tsconfig/own/tsconfig.json", "./decorators"],
      "compilerOptions": { "baseUrl": "../src", "paths": { "@shapes": ["./shapes"], "~/*": ["./*"] } }
    }`,
    "config/decorators.json": `{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true } }`,
    "node_modules/@tsconfig/own/tsconfig.json": `{ "compilerOptions": { "module": "commonjs", "target": "es2021", "esModuleInterop": true, "strict": true } }`,
    "node_modules/reflect-metadata-lite/index.js": reflect,
    "node_modules/plain/index.js": `const make = (n) => "plain " + n; make.extra = 1; module.exports = make;`,
    "node_modules/computed/index.js": `for (const name of ["one", "two"]) exports[name] = () => name;`,
    "src/legacy.ts": `const made = { kind: "export =" }; export = made;`,
    "src/reexports.ts": `export { Shape, Level, Id } from "./shapes"; export * from "./shapes"; export * as shapes from "./shapes"; export { default as data } from "./data.json";`,
    "src/server.ts": `
      import { Worker } from "node:worker_threads";
      import { fork } from "node:child_process";
      import { join } from "node:path";
      import { Bits, Color, Diesel, Geo, Id, Level, Shape } from "@shapes";
      import { where } from "~/folder";
      import { where as based } from "folder/index";
      import { Level as Again } from "./reexports.js";
      import legacy = require("./legacy");
      import plain from "plain";
      import * as star from "plain";
      import { two } from "computed";
      import data from "./data.json";
      import { greeting } from "./data.json";
      import { fails } from "./failing";
      import type { Request } from "types-only-and-not-installed";
      import { Response } from "types-only-and-not-installed";
      ${legacyDecorators}
      ${methods}
      export const exportEquals = (): unknown => legacy.kind;
      export const reexports = (): unknown => [Again.Low, based];
      export const packages = (): unknown => [plain(1), star.extra, two()];
      export const json = (): unknown => [data.greeting, greeting];
      export const types = (_request?: Request, _response?: Response): unknown => "types";
      export const commonJsNames = (): unknown => [typeof require, __filename.endsWith("src/server.ts"), require("./folder").where];
      const workersOf = (...names: string[]): Promise<unknown[]> =>
        Promise.all(names.map((name) => asPromise(new Worker(join(__dirname, name)))));
      export const workers = (): Promise<unknown> => workersOf("worker.ts", "worker.js", "worker");
      const fork_ = async (name: string): Promise<unknown> => {
        const child = fork(join(__dirname, name));
        return await new Promise((resolve) => child.once("message", resolve));
      };
      export const forks = (): Promise<unknown> => Promise.all(["child.ts", "child.js", "child"].map(fork_));
      export const failing = () => stackOf(() => fails(undefined));
      export const failingWorker = () => stackOf(async () => await asPromise(new Worker(join(__dirname, "failing-worker.ts"))));`,
    "src/child.ts": `enum Where { Child = "child" } process.send!(Where.Child);`,
  },
  answers: {
    ...answers,
    classFields: ["given"],
    decorators: [
      "text:text:String",
      "engine:engine:Diesel",
      "shape:shape:Object",
      "promise:promise:Promise",
      "parameter 0",
      "class:undefined:",
      "Injected",
    ],
    exportEquals: "export =",
    reexports: ["low", "folder/index.ts"],
    packages: ["plain 1", 1, "two"],
    json: ["from JSON", "from JSON"],
    types: "types",
    commonJsNames: ["function", true, "folder/index.ts"],
    workers: [
      ["worker", "high"],
      ["worker", "high"],
      ["worker", "high"],
    ],
    forks: ["child", "child", "child"],
  },
  failing: { failing: "src/failing.ts:6:9", failingWorker: "src/failing-worker.ts:5:7" },
};

/** type: module, module: nodenext: standard decorators, ES modules beside CommonJS, workers by URL. */
const nodeNext: TypeScriptService = {
  name: "nodeNext",
  jsEntry: "src/server.ts",
  files: {
    ...shared,
    "package.json": `{ "type": "module", "imports": { "#shapes": "./src/shapes.js" } }`,
    "tsconfig.json": `{ "compilerOptions": { "module": "nodenext", "target": "es2022", "outDir": "dist" }, "include": ["src"] }`,
    "src/common.cts": `const kind: string = "cts"; export = { kind, path: __filename };`,
    "src/module.mts": `export const url: string = import.meta.url; export default "mts";`,
    "src/server.ts": `
      import { Worker } from "node:worker_threads";
      import { Bits, Color, Diesel, Geo, Level } from "#shapes";
      import { type Shape, type Id } from "./shapes.js";
      import { where } from "./folder/index.js";
      import common from "./common.cjs";
      import required = require("./common.cjs");
      import fromModule, { url } from "./module.mjs";
      import data from "./data.json" with { type: "json" };
      import { fails } from "./failing.js";
      function doubled(value: (...given: number[]) => number, { kind, name }: ClassMethodDecoratorContext) {
        return function (this: unknown, ...given: number[]): number { return 2 * value.apply(this, given); };
      }
      function counted<T extends new (...given: any[]) => object>(value: T, { addInitializer }: ClassDecoratorContext<T>) {
        addInitializer(function () { Object.assign(this, { counted: true }); });
        return value;
      }
      @counted class Decorated { @doubled times(n: number): number { return n; } }
      ${methods}
      export const decorators = (): unknown => [new Decorated().times(2), (Decorated as any).counted];
      export const topLevel = await Promise.resolve(() => "top-level await");
      export const formats = (): unknown => [common.kind, required.kind, fromModule, url.endsWith("src/module.mts"), common.path.endsWith("src/common.cts")];
      export const json = (): unknown => data.greeting;
      export const importMeta = (): unknown => import.meta.filename.endsWith("src/server.ts");
      export const workers = async (): Promise<unknown> => await asPromise(new Worker(new URL("./worker.js", import.meta.url)));
      export const failing = () => stackOf(() => fails(undefined));
      export const failingWorker = () => stackOf(async () => await asPromise(new Worker(new URL("./failing-worker.ts", import.meta.url))));`,
  },
  answers: {
    ...answers,
    classFields: ["given"],
    decorators: [4, true],
    topLevel: "top-level await",
    formats: ["cts", "cts", "mts", true, true],
    json: "from JSON",
    importMeta: true,
    workers: ["worker", "high"],
  },
  failing: { failing: "src/failing.ts:6:9", failingWorker: "src/failing-worker.ts:5:7" },
};

/** module: esnext with a bundler's resolution, and no `type` in package.json. */
const bundler: TypeScriptService = {
  name: "bundler",
  jsEntry: "src/server.tsx",
  files: {
    ...shared,
    "package.json": `{ "private": true }`,
    "tsconfig.json": `{ "files": [], "references": [{ "path": "./tsconfig.app.json" }] }`,
    "tsconfig.app.json": `{ "compilerOptions": { "module": "esnext", "moduleResolution": "bundler", "target": "esnext", "jsx": "react-jsx", "jsxImportSource": "tiny-jsx", "useDefineForClassFields": false, "paths": { "@/*": ["./src/*"] } } }`,
    "node_modules/tiny-jsx/package.json": `{ "name": "tiny-jsx", "exports": { "./jsx-runtime": "./runtime.js" } }`,
    "node_modules/tiny-jsx/runtime.js": `exports.jsx = exports.jsxs = (tag, { children }) => "<" + tag + ">" + [children].flat().join("") + "</" + tag + ">";`,
    "src/list.tsx": `export const List = (items: readonly string[]) => <ul>{items.map((item) => <li>{item}</li>)}</ul>;`,
    "src/plain.jsx": `export const plain = () => <b>jsx</b>;`,
    "src/server.tsx": `
      import { Worker } from "node:worker_threads";
      import { Bits, Color, Diesel, Geo, Id, Level, Shape } from "@/shapes";
      import { where } from "./folder";
      import data, { greeting } from "@/data.json";
      import { List } from "./list";
      import { plain } from "./plain";
      import { fails } from "./failing";
      ${methods.replace("<number>(1 as unknown)", "1 as number")}
      export const jsx = (): unknown => [List(["a", "b"]), plain()];
      export const json = async (name = "data"): Promise<unknown> => [data.greeting, greeting, (await import("./" + name + ".json")).default.greeting];
      export const workers = async (): Promise<unknown> => await asPromise(new Worker(new URL("./worker.ts", import.meta.url)));
      export const failing = () => stackOf(() => fails(undefined));`,
  },
  answers: {
    ...answers,
    jsx: ["<ul><li>a</li><li>b</li></ul>", "<b>jsx</b>"],
    json: ["from JSON", "from JSON", "from JSON"],
    workers: ["worker", "high"],
  },
  failing: { failing: "src/failing.ts:6:9" },
};

/** No tsconfig.json and no package.json; packages of a workspace whose entries are TypeScript. */
const bare: TypeScriptService = {
  name: "bare",
  jsEntry: "server.ts",
  files: {
    "shapes.ts": shared["src/shapes.ts"],
    "folder/index.ts": shared["src/folder/index.ts"],
    "failing.ts": shared["src/failing.ts"],
    "node_modules/.workspace/packages/lib/package.json": `{ "name": "@own/lib", "main": "src/index.ts" }`,
    "node_modules/.workspace/packages/lib/src/index.ts": `export enum Kind { Lib = "lib" } export const enum Inlined { Yes = "inlined" } export interface Only { a: 1 } export { deep } from "./deep"; export { fails } from "./failing";`,
    "node_modules/.workspace/packages/lib/src/deep.ts": `export const deep: string = "deep";`,
    "node_modules/.workspace/packages/lib/src/failing.ts": shared["src/failing.ts"],
    "node_modules/.workspace/packages/unbuilt/package.json": `{ "name": "unbuilt", "type": "module", "exports": { ".": { "types": "./src/index.ts", "import": "./src/index.js" }, "./extra": "./src/extra.js" } }`,
    "node_modules/.workspace/packages/unbuilt/src/index.ts": `export const unbuilt: string = "unbuilt";`,
    "node_modules/.workspace/packages/unbuilt/src/extra.ts": `export const extra: string = "extra";`,
    "node_modules/copied/package.json": `{ "name": "copied", "exports": { ".": "./index.ts" } }`,
    "node_modules/copied/index.ts": `export enum Copied { Yes = "copied" }`,
    "server.ts": `
      import { Bits, Color, Diesel, Geo, Level } from "./shapes.ts";
      import type { Shape, Id } from "./shapes.ts";
      import { where } from "./folder";
      import { Worker } from "node:worker_threads";
      import { Inlined, Kind, deep, fails as failsThere } from "@own/lib";
      export { Only } from "@own/lib";
      import { unbuilt } from "unbuilt";
      import { extra } from "unbuilt/extra";
      import { Copied } from "copied";
      import { fails } from "./failing.js";
      ${methods}
      export const workspace = (): unknown => [Kind.Lib, Inlined.Yes, deep, unbuilt, extra, Copied.Yes];
      export const failing = () => stackOf(() => fails(undefined));
      export const failingThere = () => stackOf(() => failsThere(undefined));
      void asPromise;`,
  },
  answers: {
    ...answers,
    classFields: ["given"],
    workspace: ["lib", "inlined", "deep", "unbuilt", "extra", "copied"],
  },
  failing: {
    failing: "failing.ts:6:9",
    failingThere: "node_modules/.workspace/packages/lib/src/failing.ts:6:9",
  },
};

/** An entry in JavaScript, a source that it imports, and one that it does not, with a syntax error. */
const mixed: TypeScriptService = {
  name: "mixed",
  jsEntry: "server.js",
  files: {
    "server.js": `
      const { Kind, stack } = require("./typed.ts");
      exports.enums = () => Kind.Typed;
      exports.template = () => { try { require("./template.ts"); } catch (error) { return error.message; } };
      exports.failing = () => stack();`,
    "typed.ts": `interface Padding { a: 1 }
export enum Kind { Typed = "typed" }
export const stack = (_given?: Padding): unknown => new Error(Kind.Typed).stack;`,
    "template.ts": "const a = {{ name }};",
  },
  answers: { enums: "typed", template: "template.ts:1:12: Property assignment expected." },
  failing: { failing: "typed.ts:3:53" },
};

export const typeScriptServices: readonly TypeScriptService[] = [
  commonJs,
  nodeNext,
  bundler,
  bare,
  mixed,
];
