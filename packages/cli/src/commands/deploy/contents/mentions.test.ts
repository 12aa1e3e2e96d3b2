import { expect, it } from "vitest";
import { mentionsFile } from "./mentions.ts";

it.each([
  ['require("./shared")', "shared"],
  ["import a from '../x/shared/a.js'", "shared"],
  ['import a from "./config.js"', "config.ts"],
  ['join(__dirname, "data.json")', "data.json"],
  ["`\u0024{dir}/shared/a`", "shared"],
])("the source %s mentions %s", (source, name) => {
  expect(mentionsFile(source, name)).toBe(true);
});

it.each([
  ["const shared = 1;", "shared"],
  ['require("./shared2")', "shared"],
  ["// see shared.md", "shared.md"],
  ['x.on("[data]")', "[data"],
])("the source %s does not mention %s", (source, name) => {
  expect(mentionsFile(source, name)).toBe(false);
});
