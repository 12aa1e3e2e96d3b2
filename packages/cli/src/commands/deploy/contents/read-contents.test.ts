import { mkdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
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

describe("the service's own files", () => {
  it("are sorted, with folders, also empty ones", async () => {
    await around.put({
      "w/s/b.js": "12345",
      "w/s/a/z.js": "1",
      "w/s/a/b/c.js": "",
      "w/s/a-b.js": "1",
    });
    await mkdir(join(around.path, "w/s/empty"));
    const { entries, bytes, problems } = await read();
    const paths = ["a", "a-b.js", "a/b", "a/b/c.js", "a/z.js", "b.js", "empty", "server.js"];
    expect(entries.map(({ path }) => path)).toEqual(paths);
    expect(bytes).toBe(7);
    expect(problems).toEqual([]);
  });

  it("exclude what git ignores from the repository's root down, and .git and .lever", async () => {
    await around.put({
      ".git/info/exclude": "*.local",
      ".gitignore": ".env\n/w/s/out\n",
      "w/.gitignore": "*.log\n",
      "w/s/.gitignore": "!keep.log\n",
      "w/s/deep/.gitignore": "*.tmp\n",
    });
    for (const path of [
      ".env",
      "out/a.js",
      "a.log",
      "keep.log",
      "a.tmp",
      "deep/a.tmp",
      "a.local",
    ]) {
      await around.put({ [`w/s/${path}`]: "" });
    }
    await around.put({ "w/s/.git/HEAD": "", "w/s/.lever/x": "", "w/s/deep/.git/HEAD": "" });
    await rm(join(around.path, "w/s/.git"), { recursive: true });
    expect(filesOf(await read())).toEqual([".gitignore", "a.tmp", "deep/.gitignore", "keep.log"]);
  });

  it("exclude only what .leverignore lists, if there is one, but never lever.json", async () => {
    await around.put({
      ".git/HEAD": "",
      ".gitignore": "*.log\n",
      "w/s/.leverignore": "*.tmp\n*.json\nnode_modules\n",
      "w/s/.gitignore": "a.log\n",
      "w/s/lever.json": "",
      "w/s/lib/lever.json": "",
      "w/s/a.log": "",
      "w/s/a.tmp": "",
      "w/s/node_modules/x/index.js": "",
    });
    expect(filesOf(await read())).toEqual([".gitignore", ".leverignore", "a.log", "lever.json"]);
  });

  it("that look like secrets are named in one note", async () => {
    await around.put({
      "w/s/.env": "",
      "w/s/.env.example": "",
      "w/s/certs/a.pem": "",
      "w/s/.npmrc": "//r/:_authToken=abc",
      "w/s/node_modules/x/test.pem": "",
    });
    expect((await read()).notes).toEqual([
      "Packed files look like secrets: .env, .npmrc, certs/a.pem. Exclude them in .gitignore, and set secrets with: lever secret set",
    ]);
  });

  it("may not be sockets", async () => {
    const server = createServer().listen(join(around.path, "w/s/a.sock"));
    try {
      expect((await read()).problems).toEqual([expect.stringMatching(/^a\.sock: it is a socket;/)]);
    } finally {
      server.close();
    }
  });
});

describe("links in the service's own files", () => {
  it("are packed if they stay inside, absolute ones as relative ones", async () => {
    await around.put({ "w/s/lib/a.js": "" });
    await around.link("w/s/lib/b.js", "../lib/a.js");
    await around.link("w/s/dir", "lib");
    await around.link("w/s/dir2", "dir");
    await around.link("w/s/lib/abs", join(around.path, "w/s/lib/a.js"));
    const contents = await read();
    expect(contents.problems).toEqual([]);
    expect(filesOf(contents)).toEqual([
      "dir -> lib",
      "dir2 -> lib",
      "lib/a.js",
      "lib/abs -> a.js",
      "lib/b.js -> a.js",
    ]);
  });

  it("are followed within the workspace", async () => {
    await around.put({
      "w/package.json": { workspaces: ["*"] },
      "w/shared/a.js": "",
      "w/shared/.env": "",
      "w/shared/.gitignore": ".env",
      "w/one.txt": "",
    });
    await around.link("w/s/shared", "../shared");
    await around.link("w/s/one.txt", "../one.txt");
    const contents = await read();
    expect(contents.problems).toEqual([]);
    expect(filesOf(contents)).toEqual([
      "node_modules/.workspace/one.txt",
      "node_modules/.workspace/package.json",
      "node_modules/.workspace/shared/.gitignore",
      "node_modules/.workspace/shared/a.js",
      "one.txt -> node_modules/.workspace/one.txt",
      "shared -> node_modules/.workspace/shared",
    ]);
  });

  const targets = [
    ["/etc/hosts", "which is outside the folder"],
    ["../out.js", "which is outside the folder"],
    ["nowhere", "which does not exist"],
    ["secret.txt", "which is excluded by .gitignore"],
  ] as const;

  it.each(targets)("to %s are refused if a source names them", async (target, reason) => {
    await around.put({ "w/s/.gitignore": "secret.txt", "w/s/secret.txt": "", "w/out.js": "" });
    await around.put({ "w/s/server.js": 'require("./link.js")' });
    await around.link("w/s/link.js", target);
    expect((await read()).problems).toEqual([
      expect.stringContaining(`link.js: it is a link to ${target}, ${reason}. `),
    ]);
  });

  it.each(targets)(
    "to %s are left out with a note if no source names them",
    async (target, reason) => {
      await around.put({ "w/s/.gitignore": "secret.txt", "w/s/secret.txt": "", "w/out.js": "" });
      await around.link("w/s/link.js", target);
      const contents = await read();
      expect(contents.problems).toEqual([]);
      expect(filesOf(contents)).toEqual([".gitignore"]);
      expect(contents.notes).toEqual([`Left out: link.js (a link to ${target}, ${reason}).`]);
    },
  );

  it("out of the folder are refused for a program, whose sources are unknown", async () => {
    await around.link("w/s/link", "/etc/hosts");
    expect((await readContents(join(around.path, "w/s"), {})).problems).toHaveLength(1);
  });
});
