import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeTemporaryFolder } from "../../../tests/harness/temporary-folder.ts";
import { type Context, currentContext, readContexts, writeContexts } from "./contexts.ts";

const prod: Context = { name: "prod", host: "https://lever.example", environment: undefined };
const test: Context = { name: "test", host: "10.0.0.7:8080", environment: "test.lever" };

it("contexts are stored by name, and one of them is used", async () => {
  await using folder = await makeTemporaryFolder();
  const variables = { XDG_CONFIG_HOME: folder.path };
  expect(readContexts(variables)).toEqual({ current: undefined, all: [] });
  writeContexts({ current: "test", all: [test, prod] }, variables);
  expect(readContexts(variables)).toEqual({ current: "test", all: [prod, test] });
  expect(currentContext(variables)).toEqual(test);
});

it.each([
  "not JSON",
  "[]",
  '{"current": "prod"}',
  '{"current": "prod", "contexts": {"prod": {"host": 7}}}',
])("a damaged file of contexts has none: %s", async (text) => {
  await using folder = await makeTemporaryFolder();
  const variables = { XDG_CONFIG_HOME: folder.path };
  writeContexts({ current: undefined, all: [] }, variables);
  writeFileSync(join(folder.path, "lever/contexts.json"), text);
  expect(readContexts(variables)).toEqual({ current: undefined, all: [] });
});
