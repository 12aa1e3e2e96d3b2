import type { PackageCase } from "./package-case.ts";

/** Packages with code in WebAssembly. */
export const wasm: readonly PackageCase[] = [
  {
    name: "sql.js",
    jsEntry: "server.js",
    code: `
      const loading = require("sql.js")();
      exports.sum = async (numbers) => {
        const SQL = await loading;
        const database = new SQL.Database();
        database.run("CREATE TABLE numbers (value INTEGER)");
        for (const value of numbers) database.run("INSERT INTO numbers VALUES (?)", [value]);
        const [{ values }] = database.exec("SELECT count(*), sum(value) FROM numbers");
        database.close();
        return values[0];
      };
    `,
    calls: [["sum", [[1, 2, 39]], [3, 42]]],
  },
  {
    name: "hash-wasm",
    isQuick: true,
    code: `
      import { argon2Verify, argon2id, blake3 } from "hash-wasm";
      export const hash = async (text) => (await blake3(text)).slice(0, 16);
      export const verify = async (password) => {
        const salt = new Uint8Array(16).fill(1);
        const options = { password, salt, parallelism: 1, iterations: 2, memorySize: 512, hashLength: 32 };
        const hash = await argon2id({ ...options, outputType: "encoded" });
        return [await argon2Verify({ password, hash }), await argon2Verify({ password: "x", hash })];
      };
    `,
    calls: [
      ["hash", [""], "af1349b9f5f9a1a6"],
      ["verify", ["secret"], [true, false]],
    ],
  },
  {
    name: "esbuild-wasm",
    code: `
      import { transform } from "esbuild-wasm";
      export const minify = async (code) => (await transform(code, { loader: "ts", minify: true })).code;
    `,
    calls: [["minify", ["const one: number = 1; export { one }"], "const e=1;export{e as one};\n"]],
    ram: 512,
  },
  {
    name: "@jsquash/png",
    code: `
      import { readFile } from "node:fs/promises";
      import decode, { init as initDecode } from "@jsquash/png/decode.js";
      import encode, { init as initEncode } from "@jsquash/png/encode.js";
      const file = new URL(import.meta.resolve("@jsquash/png/codec/pkg/squoosh_png_bg.wasm"));
      const module = await WebAssembly.compile(await readFile(file));
      globalThis.ImageData ??= class { constructor(data, width, height) { Object.assign(this, { data, width, height }); } };
      export const copy = async (pixels) => {
        await Promise.all([initEncode(module), initDecode(module)]);
        const data = new Uint8ClampedArray(pixels);
        const png = await encode({ data, width: pixels.length / 4, height: 1 });
        const image = await decode(png);
        return [image.width, image.height, [...image.data]];
      };
    `,
    calls: [["copy", [[1, 2, 3, 255, 4, 5, 6, 255]], [2, 1, [1, 2, 3, 255, 4, 5, 6, 255]]]],
  },
];
