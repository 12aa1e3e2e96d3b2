import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  makeTemporaryFolder,
  type TemporaryFolder,
} from "../../../../../../tests/harness/temporary-folder.ts";
import { readContents } from "./read-contents.ts";

let around: TemporaryFolder;

beforeEach(async () => {
  around = await makeTemporaryFolder();
  await around.put({ "w/package.json": { workspaces: ["s"] }, "w/s/server.ts": "" });
});

afterEach(() => around[Symbol.asyncDispose]());

/** The text of the packed tsconfig.json, as JSON; undefined if the file is packed as it is. */
async function packed(path = "tsconfig.json"): Promise<unknown> {
  const { entries } = await readContents(join(around.path, "w/s"), { jsEntry: "server.ts" });
  const entry = entries.find((other) => other.path === path);
  if (entry === undefined) return "none";
  return entry.kind === "text" ? JSON.parse(entry.text) : undefined;
}

it("a tsconfig.json has the options of those that it extends, above and in packages", async () => {
  await around.put({
    "w/node_modules/@tsconfig/node24/tsconfig.json": {
      compilerOptions: { target: "es2024", strict: true },
    },
    "w/tsconfig.base.json": {
      extends: "@tsconfig/node24/tsconfig.json",
      compilerOptions: { experimentalDecorators: true, baseUrl: "s/src" },
    },
    "w/s/tsconfig.json": `{
      // With a comment.
      "extends": "../tsconfig.base.json", "compilerOptions": { "strict": false, },
    }`,
  });
  expect(await packed()).toEqual({
    compilerOptions: {
      target: "es2024",
      strict: false,
      experimentalDecorators: true,
      useDefineForClassFields: true,
      baseUrl: "./src",
    },
  });
});

it("paths of a tsconfig.json above lead to the same files from the packed one", async () => {
  await around.put({
    "w/tsconfig.base.json": { compilerOptions: { paths: { "@own/*": ["./s/src/*"] } } },
    "w/s/tsconfig.json": { extends: "../tsconfig.base.json" },
  });
  expect(await packed()).toEqual({ compilerOptions: { paths: { "@own/*": ["./src/*"] } } });
});

it("a tsconfig.json that extends nothing is packed as it is", async () => {
  await around.put({ "w/s/tsconfig.json": { compilerOptions: { strict: true } } });
  expect(await packed()).toBeUndefined();
});

it("a tsconfig.json that extends a missing file is packed as it is, with a note", async () => {
  await around.put({ "w/s/tsconfig.json": { extends: "../nowhere.json" } });
  const { notes } = await readContents(join(around.path, "w/s"), { jsEntry: "server.ts" });
  expect(await packed()).toBeUndefined();
  expect(notes).toEqual([
    expect.stringMatching(/^tsconfig\.json is packed as it is: .*nowhere\.json/),
  ]);
});

it("a TypeScript service without a tsconfig.json has the options of the one above", async () => {
  const compilerOptions = { experimentalDecorators: true, outDir: "dist", paths: {} };
  await around.put({ "tsconfig.json": {}, "w/tsconfig.json": { compilerOptions } });
  expect(await packed()).toEqual({ compilerOptions: { experimentalDecorators: true } });
});

it("a tsconfig.json above the workspace does not count", async () => {
  await around.put({ "tsconfig.json": {} });
  expect(await packed()).toBe("none");
});
