import type { PackageCase } from "./package-case.ts";

/** Packages that start threads and processes. */
export const workers: readonly PackageCase[] = [
  {
    name: "piscina",
    code: `
      import { Piscina } from "piscina";
      const pool = new Piscina({ filename: new URL("./square.mjs", import.meta.url).href, maxThreads: 2 });
      export const squares = (numbers) => Promise.all(numbers.map((number) => pool.run(number)));
    `,
    files: {
      "square.mjs": `
        import { isMainThread } from "node:worker_threads";
        export default (number) => isMainThread ? "not a thread" : number ** 2;
      `,
    },
    calls: [["squares", [[1, 2, 3]], [1, 4, 9]]],
  },
  {
    name: "tinypool",
    isQuick: true,
    code: `
      import { Tinypool } from "tinypool";
      const filename = new URL("./square.mjs", import.meta.url).href;
      export const squares = async (numbers, runtime) => {
        const pool = new Tinypool({ filename, runtime, minThreads: 1, maxThreads: 2 });
        const squares = await Promise.all(numbers.map((number) => pool.run(number)));
        await pool.destroy();
        return squares;
      };
    `,
    files: { "square.mjs": "export default (number) => number ** 2;" },
    calls: [
      ["squares", [[1, 2, 3], "worker_threads"], [1, 4, 9]],
      ["squares", [[1, 2, 3], "child_process"], [1, 4, 9]],
    ],
  },
  {
    name: "workerpool",
    jsEntry: "server.js",
    code: `
      const workerpool = require("workerpool");
      exports.squares = async (numbers, workerType) => {
        const pool = workerpool.pool(require.resolve("./square.js"), { workerType, maxWorkers: 2 });
        const squares = await Promise.all(numbers.map((number) => pool.exec("square", [number])));
        await pool.terminate();
        return squares;
      };
    `,
    files: { "square.js": `require("workerpool").worker({ square: (number) => number ** 2 });` },
    calls: [
      ["squares", [[1, 2, 3], "thread"], [1, 4, 9]],
      ["squares", [[1, 2, 3], "process"], [1, 4, 9]],
    ],
  },
  {
    name: "execa",
    isQuick: true,
    code: `
      import { execa, execaNode } from "execa";
      export const version = async () => (await execa("node", ["-v"])).stdout === process.version;
      export const shout = async (text) =>
        (await execa("tr", ["a-z", "A-Z"], { input: text }).pipe("rev")).stdout;
      export const script = async (text) => (await execaNode("script.mjs", [text])).stdout;
    `,
    files: { "script.mjs": "console.log(process.argv[2].length);" },
    calls: [
      ["version", [], true],
      ["shout", ["abc"], "CBA"],
      ["script", ["abc"], "3"],
    ],
  },
  {
    name: "cross-spawn",
    jsEntry: "server.js",
    code: `
      const spawn = require("cross-spawn");
      exports.run = (code) => {
        const { status, stdout } = spawn.sync("node", ["-e", code]);
        return [status, stdout.toString()];
      };
    `,
    calls: [["run", ["process.stdout.write('spoken'); process.exitCode = 3"], [3, "spoken"]]],
  },
  {
    name: "esbuild",
    code: `
      import { build } from "esbuild";
      export const bundle = async (contents) => {
        const stdin = { contents, resolveDir: import.meta.dirname };
        const { outputFiles } = await build({ stdin, bundle: true, write: false, format: "esm", minify: true });
        return outputFiles[0].text;
      };
    `,
    files: { "part.js": "export const part = 6 * 7;" },
    calls: [
      ["bundle", ['import { part } from "./part.js"; console.log(part)'], "console.log(42);\n"],
    ],
  },
];
