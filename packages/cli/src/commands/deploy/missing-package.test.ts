import { afterEach, beforeEach, expect, it } from "vitest";
import {
  makeTemporaryFolder,
  type TemporaryFolder,
} from "../../../../../tests/harness/temporary-folder.ts";
import { describeMissingPackage } from "./missing-package.ts";

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  await folder.put({
    "package.json": { dependencies: { express: "5" }, devDependencies: { "@s/dev": "1" } },
    "node_modules/left/package.json": {},
  });
});

afterEach(() => folder[Symbol.asyncDispose]());

function describe(reason: string): Promise<string | undefined> {
  return describeMissingPackage(reason, { folder: folder.path, packed: new Set(["lib/a.js"]) });
}

it.each([
  ["package '@s/dev' imported from /x.js", "@s/dev is in devDependencies of package.json"],
  ["module '@s/dev/deep.js'", "Move it to dependencies: npm install @s/dev --save-prod"],
  ["module 'express'", "express is not installed here. Install it, and deploy again: npm install"],
  ["package 'left'", "left is not in dependencies of package.json, so it was not deployed. It is "],
  ["package 'other'", "so it was not deployed. Add it: npm install other"],
])("the error Cannot find %s is explained", async (what, text) => {
  const reason = `Cannot start x version 1: Error: Cannot find ${what}`;
  expect(await describe(reason)).toContain(text);
});

it.each(["module './a.js'", "module '/x/a.js'", "module 'fs'", "package 'node:fs'", "the key"])(
  "the error Cannot find %s is about no package",
  async (what) => {
    expect(await describe(`Cannot find ${what}`)).toBeUndefined();
  },
);

it("the command is that of the folder's package manager", async () => {
  await folder.put({ "yarn.lock": "" });
  expect(await describe("Cannot find module 'a'")).toContain("yarn add a");
});

it.each(["./dist/b.js", "../dist/b", "/data/code/1/dist/b.js", "file:///code/dist/b.js"])(
  "the error Cannot find module '%s' names the excluded file of the folder",
  async (path) => {
    await folder.put({ "lib/a.js": "", "dist/b.js": "" });
    const text = await describe(`Cannot find module '${path}' imported from server.js`);
    expect(text).toMatch(/^dist\/b\.js is in the folder, but excluded by \.gitignore/);
    expect(await describe("Cannot find module './lib/a.js'")).toBeUndefined();
  },
);
