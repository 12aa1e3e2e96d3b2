import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createIgnoreRules } from "./ignore-rules.ts";
import { type FolderListing, listEntries } from "./list-entries.ts";

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "lever-list-")));
});

afterEach(() => rm(folder, { recursive: true }));

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

async function list(gitignore = ""): Promise<FolderListing> {
  return await listEntries(folder, createIgnoreRules(".gitignore", gitignore));
}

it("files and folders are listed in a fixed order, also empty ones", async () => {
  await put({ "b.js": "12345", "a/z.js": "1", "a/b/c.js": "", "a-b.js": "1" });
  await mkdir(join(folder, "empty"));
  const { entries, bytes, problems } = await list();
  expect(entries.map(({ path }) => path)).toEqual([
    "a",
    "a-b.js",
    "a/b",
    "a/b/c.js",
    "a/z.js",
    "b.js",
    "empty",
  ]);
  expect(bytes).toBe(7);
  expect(problems).toEqual([]);
});

it("nothing below an excluded folder is listed", async () => {
  await put({ "out/a.js": "", "in/a.js": "", ".git/HEAD": "", "node_modules/out/a.js": "" });
  const { entries } = await list("out\nnode_modules\n");
  expect(entries.map(({ path }) => path)).toEqual([
    "in",
    "in/a.js",
    "node_modules",
    "node_modules/out",
    "node_modules/out/a.js",
  ]);
});

it("links to files, folders and links inside the folder are listed", async () => {
  await put({ "lib/a.js": "" });
  await symlink("../lib/a.js", join(folder, "lib/b.js"));
  await symlink("lib", join(folder, "dir"));
  await symlink("dir", join(folder, "dir2"));
  const { entries, problems } = await list();
  expect(problems).toEqual([]);
  expect(entries.map(({ path }) => path)).toEqual(["dir", "dir2", "lib", "lib/a.js", "lib/b.js"]);
});

it.each([
  ["/etc/hosts", "which is outside the folder."],
  ["../elsewhere/..", "which is outside the folder."],
  ["nowhere", "which does not exist."],
  ["secret.txt", "which is excluded by .gitignore."],
])("a link to %s is refused with its target", async (target, reason) => {
  await put({ "secret.txt": "" });
  await mkdir(join(dirname(folder), "elsewhere"), { recursive: true });
  await symlink(target, join(folder, "link"));
  const { problems } = await list("secret.txt\n");
  expect(problems).toEqual([`link: it is a link to ${target}, ${reason}`]);
});

it("an absolute link is refused, also inside the folder", async () => {
  await put({ "a.js": "" });
  await symlink(join(folder, "a.js"), join(folder, "link"));
  const { problems } = await list();
  expect(problems).toEqual([expect.stringContaining("make it a relative link")]);
});

it("a link to a package outside has a remedy", async () => {
  await mkdir(join(folder, "node_modules"));
  await symlink("../..", join(folder, "node_modules/shared"));
  const { problems } = await list();
  expect(problems).toEqual([expect.stringContaining("npm install --install-links")]);
});

it("a socket is refused", async () => {
  const server = createServer().listen(join(folder, "a.sock"));
  try {
    const { entries, problems } = await list();
    expect(entries).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/^a\.sock: it is a socket;/)]);
  } finally {
    server.close();
  }
});
