import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  makeTemporaryFolder,
  type TemporaryFolder,
} from "../../../../../../tests/harness/temporary-folder.ts";
import type { Contents } from "./contents.ts";
import { readContents } from "./read-contents.ts";

/** A folder around the service, which is in `w/s`. */
let around: TemporaryFolder;

beforeEach(async () => {
  around = await makeTemporaryFolder();
  await around.put({ "w/s/server.js": "" });
});

afterEach(() => around[Symbol.asyncDispose]());

function read(): Promise<Contents> {
  return readContents(join(around.path, "w/s"), { jsEntry: "server.js" });
}

/** The files and links without `server.js`; links with their targets. */
function filesOf({ entries }: Contents): string[] {
  return entries.flatMap((entry) => {
    if (entry.kind === "folder" || entry.path === "server.js") return [];
    return entry.kind === "link" ? `${entry.path} -> ${entry.target}` : entry.path;
  });
}

describe("node_modules", () => {
  it("is packed as package.json needs it: without development, tools and leftovers", async () => {
    await around.put({
      "w/s/package.json": { dependencies: { a: "1" }, devDependencies: { typescript: "5" } },
      "w/s/.gitignore": "node_modules\n*.log\n",
      "w/s/node_modules/a/package.json": {
        dependencies: { b: "1" },
        optionalDependencies: { o: "1" },
      },
      "w/s/node_modules/a/a.log": "",
      "w/s/node_modules/a/node_modules/b/package.json": { peerDependencies: { p: "1" } },
      "w/s/node_modules/a/node_modules/old/package.json": {},
      "w/s/node_modules/p/package.json": {},
      "w/s/node_modules/typescript/package.json": {},
      "w/s/node_modules/left/package.json": {},
      "w/s/node_modules/.bin/x": "",
      "w/s/node_modules/.cache/x": "",
      "w/s/node_modules/.package-lock.json": "",
    });
    const contents = await read();
    expect(filesOf(contents)).toEqual([
      ".gitignore",
      "node_modules/a/a.log",
      "node_modules/a/node_modules/b/package.json",
      "node_modules/a/package.json",
      "node_modules/p/package.json",
      "package.json",
    ]);
    expect(contents.notes).toEqual([]);
  });

  it.each([[undefined], [{ type: "module" }]])(
    "is packed whole if the package.json is %j, without tools",
    async (packageJson) => {
      if (packageJson !== undefined) await around.put({ "w/s/package.json": packageJson });
      await around.put({
        "w/s/node_modules/a/index.js": "",
        "w/s/node_modules/a/node_modules/b/index.js": "",
        "w/s/node_modules/.bin/x": "",
        "w/s/node_modules/.prisma/x": "",
      });
      expect(filesOf(await read()).filter((path) => path !== "package.json")).toEqual([
        "node_modules/.prisma/x",
        "node_modules/a/index.js",
        "node_modules/a/node_modules/b/index.js",
      ]);
    },
  );

  it("of a folder within the sources is packed as that folder's package.json needs it", async () => {
    await around.put({
      "w/s/package.json": { dependencies: {} },
      "w/s/sub/package.json": {
        dependencies: { a: "1", absent: "1" },
        devDependencies: { d: "1" },
      },
      "w/s/sub/node_modules/a/index.js": "",
      "w/s/sub/node_modules/d/index.js": "",
    });
    const contents = await read();
    expect(contents.notes).toEqual([]);
    expect(filesOf(contents)).toEqual([
      "package.json",
      "sub/node_modules/a/index.js",
      "sub/package.json",
    ]);
  });

  it("gives an optional peer only to those that it is packed for anyway", async () => {
    const optional = {
      peerDependencies: { x: "1" },
      peerDependenciesMeta: { x: { optional: true } },
    };
    await around.put({
      "w/s/package.json": { dependencies: { a: "1" }, devDependencies: { x: "1" } },
      "w/s/node_modules/a/package.json": optional,
      "w/s/node_modules/x/package.json": {},
    });
    expect(filesOf(await read())).toEqual(["node_modules/a/package.json", "package.json"]);
  });

  it("contains the client that Prisma has generated", async () => {
    await around.put({
      "w/s/package.json": { dependencies: { "@prisma/client": "6" } },
      "w/s/node_modules/@prisma/client/package.json": {},
      "w/s/node_modules/.prisma/client/index.js": "",
    });
    expect(filesOf(await read())).toContain("node_modules/.prisma/client/index.js");
  });

  it.each([
    ["package-lock.json", "npm install"],
    ["pnpm-lock.yaml", "pnpm install"],
    ["yarn.lock", "yarn install"],
    [".pnp.cjs", 'add "nodeLinker: node-modules" to .yarnrc.yml, and run: yarn install'],
  ])("that is missing is noted, with %s, together with the command %s", async (file, command) => {
    await around.put({
      "w/s/package.json": { dependencies: { b: "1", a: "1" }, optionalDependencies: { o: "1" } },
      [`w/s/${file}`]: "",
    });
    const [note = ""] = (await read()).notes;
    expect(note).toContain("package.json has dependencies that are not installed here: a, b. ");
    expect(note).toContain(command);
  });

  it("above a folder without a workspace is named", async () => {
    await around.put({
      "w/s/package.json": { dependencies: { a: "1" } },
      "w/node_modules/a/index.js": "",
    });
    const [note = ""] = (await read()).notes;
    expect(note).toContain(`They are in ${around.path}/w/node_modules, which is in no workspace`);
  });
});

describe("a workspace", () => {
  it("gives a member its hoisted and its linked packages, in the workspace's layout", async () => {
    await around.put({
      "w/package.json": { workspaces: ["s", "lib"], devDependencies: { typescript: "5" } },
      "w/.gitignore": "node_modules\ndist\n.env\n",
      "w/.git/HEAD": "",
      "w/s/package.json": { dependencies: { "@w/lib": "*", nested: "1" } },
      "w/s/node_modules/nested/package.json": { dependencies: { hoisted: "1" } },
      "w/lib/package.json": {
        main: "./dist/index.js",
        dependencies: { hoisted: "1", s: "*" },
        devDependencies: { typescript: "5" },
      },
      "w/lib/dist/index.js": "",
      "w/lib/.env": "",
      "w/node_modules/hoisted/package.json": {},
      "w/node_modules/typescript/package.json": {},
    });
    await around.link("w/node_modules/@w/lib", "../../lib");
    await around.link("w/node_modules/s", "../s");
    const contents = await read();
    expect(contents.problems).toEqual([]);
    expect(contents.notes).toEqual([]);
    expect(filesOf(contents)).toEqual([
      "node_modules/.workspace/lib/dist/index.js",
      "node_modules/.workspace/lib/package.json",
      "node_modules/.workspace/node_modules/@w/lib -> ../../lib",
      "node_modules/.workspace/node_modules/hoisted/package.json",
      "node_modules/.workspace/node_modules/s -> ../../..",
      "node_modules/@w/lib -> ../.workspace/lib",
      "node_modules/hoisted -> .workspace/node_modules/hoisted",
      "node_modules/nested/package.json",
      "package.json",
    ]);
  });

  it("that is itself the service has what its members offer, also if git ignores it", async () => {
    await around.put({
      "w/s/package.json": { workspaces: ["lib"], dependencies: { lib: "*" } },
      "w/s/.gitignore": "dist\nnode_modules\n",
      "w/s/lib/package.json": { main: "dist/index.js" },
      "w/s/lib/dist/index.js": "",
      "w/s/other/package.json": { main: "dist/index.js" },
      "w/s/other/dist/index.js": "",
    });
    await around.link("w/s/node_modules/lib", "../lib");
    await around.link("w/s/node_modules/other", "../other");
    expect(filesOf(await read())).toEqual([
      ".gitignore",
      "lib/dist/index.js",
      "lib/package.json",
      "node_modules/lib -> ../lib",
      "other/package.json",
      "package.json",
    ]);
  });

  it("of pnpm keeps its store of packages", async () => {
    await around.put({
      "w/pnpm-workspace.yaml": "packages: ['*']",
      "w/s/package.json": { dependencies: { a: "1" } },
      "w/node_modules/.pnpm/a@1/node_modules/a/package.json": { dependencies: { b: "1" } },
      "w/node_modules/.pnpm/b@1/node_modules/b/package.json": {},
      "w/node_modules/.pnpm/c@1/node_modules/c/package.json": {},
    });
    await around.link("w/s/node_modules/a", "../../node_modules/.pnpm/a@1/node_modules/a");
    await around.link("w/node_modules/.pnpm/a@1/node_modules/b", "../../b@1/node_modules/b");
    const store = "node_modules/.workspace/node_modules/.pnpm";
    expect(filesOf(await read())).toEqual([
      `${store}/a@1/node_modules/a/package.json`,
      `${store}/a@1/node_modules/b -> ../../b@1/node_modules/b`,
      `${store}/b@1/node_modules/b/package.json`,
      "node_modules/a -> .workspace/node_modules/.pnpm/a@1/node_modules/a",
      "package.json",
    ]);
  });

  it.each([
    ["package-lock.json", "npm install --install-links"],
    ["pnpm-lock.yaml", "pnpm --filter"],
    ["yarn.lock", "members of one workspace"],
  ])("does not reach beyond its root: with %s the remedy is %s", async (file, remedy) => {
    await around.put({
      "lib/package.json": {},
      [`w/s/${file}`]: "",
      "w/s/package.json": { dependencies: { lib: "file:../../lib" } },
    });
    await around.link("w/s/node_modules/lib", "../../../lib");
    const { problems } = await read();
    expect(problems).toEqual([
      expect.stringContaining(
        `node_modules/lib: it is a link to ${around.path}/lib, which is outside the folder, and a dependency. `,
      ),
    ]);
    expect(problems[0]).toContain(remedy);
  });

  it("leaves a link in node_modules out if no package.json needs it, with a note", async () => {
    await around.put({
      "lib/package.json": {},
      "w/s/package.json": { dependencies: {}, devDependencies: { dev: "file:../../lib" } },
    });
    await around.link("w/s/node_modules/lib", "../../../lib");
    await around.link("w/s/node_modules/dev", "../../../lib");
    const contents = await read();
    expect(filesOf(contents)).toEqual(["package.json"]);
    expect(contents.notes).toEqual([
      "Left out: node_modules/lib (a link to ../../../lib, which no package.json needs).",
    ]);
  });

  it("links of a node_modules that no package.json explains are refused outside", async () => {
    await around.put({ "lib/package.json": {} });
    await around.link("w/s/node_modules/lib", "../../../lib");
    const { problems } = await read();
    expect(problems).toEqual([expect.stringContaining("npm install --install-links")]);
  });
});
