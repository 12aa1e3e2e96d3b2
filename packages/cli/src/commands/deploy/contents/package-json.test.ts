import { expect, it } from "vitest";
import { parsePackageJson } from "./package-json.ts";

const parse = (value: unknown): ReturnType<typeof parsePackageJson> =>
  parsePackageJson(JSON.stringify(value));

it("a package needs its dependencies, the optional ones and its peers, but not what only development needs", () => {
  const found = parse({
    dependencies: { a: "1", "@s/b": "workspace:*" },
    optionalDependencies: { c: "1" },
    peerDependencies: { d: "1", e: "1" },
    peerDependenciesMeta: { e: { optional: true } },
    devDependencies: { typescript: "5" },
    bundleDependencies: ["f"],
  });
  expect(found?.dependencies).toEqual(["a", "@s/b", "c", "d", "f"]);
  expect(found?.optionalPeers).toEqual(["e"]);
  expect([...(found?.mayBeMissing ?? [])]).toEqual(["c", "d", "e"]);
  expect([...(found?.devDependencies ?? [])]).toEqual(["typescript"]);
});

it.each([
  [{}, false],
  [{ type: "module" }, false],
  [{ dependencies: {} }, true],
  [{ devDependencies: { a: "1" } }, true],
  [{ workspaces: ["packages/*"] }, true],
])("of %j it is known whether it lists packages", (value, listsPackages) => {
  expect(parse(value)?.listsPackages).toBe(listsPackages);
});

it("paths that a package offers are known without their patterns", () => {
  const found = parse({
    main: "./dist/index.js",
    exports: { ".": { import: "./esm/a.mjs" }, "./*": "./lib/*.js" },
    files: ["build/**", "*.js", "!x", "../out"],
  });
  expect(found?.offers).toEqual(
    expect.arrayContaining(["dist/index.js", "esm/a.mjs", "lib", "build"]),
  );
  expect(found?.offers).toHaveLength(4);
});

it.each(["../x", "a/b", ".bin", "@s/../x", "@s/.x", "", "a\\b"])(
  "a dependency named %j is no package",
  (name) => {
    expect(parse({ dependencies: { [name]: "1" } })?.dependencies).toEqual([]);
  },
);

it.each(["", "{", "[]", "null", '"x"'])("a package.json of %j counts as none", (text) => {
  expect(parsePackageJson(text)).toBeUndefined();
});
