import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readServiceFolder } from "./service-folder.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lever-folder-"));
});

afterEach(() => rm(folder, { recursive: true }));

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

it("a folder with a lever.json and its entry point is valid, also through a link", async () => {
  await put({
    "lever.json": '{"name": "hello", "jsEntry": "./lib//server.js", "rams": 1}',
    "lib/server.js": "",
  });
  await symlink(".", join(folder, "here"));
  const found = await readServiceFolder(join(folder, "here"));
  expect(found.leverJson).toMatchObject({ name: "hello" });
  expect(found.warnings).toEqual([expect.stringContaining("Did you mean ram?")]);
  expect(found.entries.map(({ path }) => path)).toContain("lib/server.js");
});

it("a missing folder, or a file instead of one, is a usage error: status 2", async () => {
  await put({ file: "" });
  for (const name of ["nowhere", "file"]) {
    const path = join(folder, name);
    await expect(readServiceFolder(path)).rejects.toMatchObject({
      status: 2,
      message: expect.stringContaining(`Cannot deploy ${path}: `),
    });
  }
});

it("a folder without lever.json shows the smallest one", async () => {
  await expect(readServiceFolder(folder)).rejects.toMatchObject({
    status: 1,
    message: expect.stringMatching(
      /lever\.json: the file is missing[\s\S]*"jsEntry": "server\.js"/,
    ),
  });
});

it("all problems of lever.json are reported at once", async () => {
  await put({ "lever.json": '{"name": "x", "ram": -1}' });
  await expect(readServiceFolder(folder)).rejects.toMatchObject({
    status: 1,
    message: expect.stringMatching(/field name is "x"[\s\S]*field ram is -1/),
  });
});

it("a lever.json that is not a plain file is refused", async () => {
  await mkdir(join(folder, "lever.json"));
  await expect(readServiceFolder(folder)).rejects.toThrow("allowed is a plain file");
});

it("a missing entry point is refused", async () => {
  await put({ "lever.json": '{"name": "hello", "jsEntry": "server.js"}' });
  await expect(readServiceFolder(folder)).rejects.toThrow(
    'lever.json: field jsEntry is "server.js"; there is no such file in the folder.',
  );
});

it("an entry point without its extension, and one with a wrong name", async () => {
  await put({ "lever.json": '{"name": "hello", "jsEntry": "lib"}', "lib/index.ts": "" });
  expect((await readServiceFolder(folder)).leverJson.jsEntry).toBe("lib");
  await put({ "lever.json": '{"name": "hello", "jsEntry": "lib/idnex"}' });
  await expect(readServiceFolder(folder)).rejects.toThrow("Did you mean lib/index.ts?");
});

it("a folder that git ignores is packed if the entry point is in it", async () => {
  await put({
    "lever.json": '{"name": "hello", "jsEntry": "./dist/js/server.js"}',
    "dist/js/server.js": "",
    "dist/js/lib.js": "",
    ".gitignore": "dist\n*.log\n",
    "a.log": "",
  });
  const { entries, warnings } = await readServiceFolder(folder);
  const paths = entries.flatMap((entry) => (entry.kind === "file" ? entry.path : []));
  expect(paths).toEqual([".gitignore", "dist/js/lib.js", "dist/js/server.js", "lever.json"]);
  expect(warnings).toEqual(["dist is packed although git ignores it: jsEntry is in it."]);
});

it("a folder of files that git ignores is packed", async () => {
  await put({
    "lever.json": '{"name": "hello", "static": "out/public"}',
    "out/public/index.html": "",
    "out/other.html": "",
    ".gitignore": "public/\n",
  });
  const { entries, warnings } = await readServiceFolder(folder);
  expect(entries.map(({ path }) => path)).toContain("out/public/index.html");
  expect(warnings).toEqual([
    "out/public is packed although git ignores it: it is the folder of static.",
  ]);
});

it.each([
  ["http", ["env", "A=1", "node", "./build"], "build", "the command names it"],
  ["http", ["node", "out/js/server.js"], "out", "the command names out/js/server.js"],
  ["entry", ["./server", "--data", "/tmp", "missing"], "server", "the command names it"],
])(
  "what the command of %s names is packed although git ignores it: %j",
  async (field, command, ignored, why) => {
    await put({
      "lever.json": JSON.stringify({ name: "hello", [field]: command }),
      "build/index.js": "",
      "out/js/server.js": "",
      server: "",
      "tmp/data": "",
      ".gitignore": "/build/\n/out\n/server\n/tmp\n",
    });
    const { entries, warnings } = await readServiceFolder(folder);
    const paths = entries
      .map(({ path }) => path)
      .filter((path) => !/^(lever.json|.gitignore)$/.test(path));
    expect(paths[0]).toBe(ignored);
    expect(paths.every((path) => path === ignored || path.startsWith(`${ignored}/`))).toBe(true);
    expect(warnings).toEqual([`${ignored} is packed although git ignores it: ${why}.`]);
  },
);

it.each([
  [".gitignore", "*.js\n", "Write a .leverignore"],
  [".leverignore", "dist\n", "Remove the line"],
])("an entry point that %s excludes is refused with the remedy", async (file, text, remedy) => {
  await put({
    "lever.json": '{"name": "hello", "jsEntry": "dist/server.js"}',
    "dist/server.js": "",
    [file]: text,
  });
  await expect(readServiceFolder(folder)).rejects.toThrow(
    `lever.json: field jsEntry is "dist/server.js"; that file is excluded by ${file}. ${remedy}`,
  );
});

it("services in folders below are named with the commands that deploy them", async () => {
  await put({ "api/lever.json": "{}", "it's/b/lever.json": "{}", "node_modules/x/lever.json": "" });
  await expect(readServiceFolder(folder, "-E prod.lever ")).rejects.toThrow(
    `There are services in folders below. Deploy each by itself:
    lever -E prod.lever deploy ${folder}/api
    lever -E prod.lever deploy '${folder}/it'\\''s/b'`,
  );
});

it("the first 20 of many problems are listed", async () => {
  await put({ "lever.json": '{"name": "hello"}' });
  for (let i = 0; i < 30; i++) await symlink("/etc/hosts", join(folder, `link${i}`));
  await expect(readServiceFolder(folder)).rejects.toThrow(
    /which is outside the folder\.[^\n]*\n {2}… and 10 more\.$/,
  );
});
