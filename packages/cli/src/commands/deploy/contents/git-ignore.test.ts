// @module-tag needs-git
import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { GitIgnore, scopeLine } from "./git-ignore.ts";

let top: string;

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), "lever-git-")));
});

afterEach(() => rm(top, { recursive: true }));

async function put(path: string, text = ""): Promise<void> {
  await mkdir(dirname(join(top, path)), { recursive: true });
  await writeFile(join(top, path), text);
}

/** The ignored ones of some files, as git sees them. */
function ignoredByGit(paths: readonly string[]): string[] {
  const env = { ...process.env, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
  execFileSync("git", ["init", "-q", "--template="], { cwd: top, env });
  const { stdout } = spawnSync("git", ["check-ignore", "--stdin", "-z"], {
    cwd: top,
    env,
    input: paths.join("\0"),
    encoding: "utf8",
  });
  return stdout.split("\0").filter((path) => path !== "");
}

const tables: readonly (readonly [
  string,
  rules: Readonly<Record<string, string>>,
  paths: readonly string[],
])[] = [
  [
    "one at the top",
    { "": ".env\n*.log\n!keep.log\n" },
    [".env", "a.log", "keep.log", "s/.env", "s/keep.log", "s/a.js"],
  ],
  [
    "one above the folder",
    { "": "dist/\n/secret\n" },
    ["s/dist/a", "s/secret", "secret", "s/distant"],
  ],
  [
    "nested ones",
    { "": "", s: "*.key\n", "s/deep": "!b.key\n" },
    ["a.key", "s/a.key", "s/deep/a.key", "s/deep/b.key"],
  ],
  [
    "rules with a slash",
    { s: "a/b\n/c\nd/\n" },
    ["s/a/b", "s/x/a/b", "s/c", "s/x/c", "s/d/x", "s/x/d/x"],
  ],
  [
    "a deeper negation of a folder",
    { "": "lib\n", s: "!lib\n" },
    ["lib/a", "s/lib/a", "s/x/lib/a"],
  ],
  ["a negation below an ignored folder", { "": "out/\n", out: "!a\n" }, ["out/a"]],
  [
    "a negation after a wildcard",
    { s: "*\n!*.js\n!*/\n" },
    ["s/a.js", "s/a.txt", "s/x/b.js", "s/x/b.txt"],
  ],
  [
    "double stars",
    { s: "**/tmp\nx/**\na/**/z\n" },
    ["s/tmp", "s/q/tmp", "s/x/1", "s/a/z", "s/a/1/2/z", "a/z"],
  ],
  [
    "comments, blanks and escapes",
    { s: "# a\n\n\\#b\n\\!c\nd\\ \n e\n" },
    ["s/# a", "s/#b", "s/!c", "s/d ", "s/ e", "s/e"],
  ],
  ["spaces and line ends of Windows", { s: "a  \r\nb/  \r\n" }, ["s/a", "s/b/x", "s/c"]],
  [
    "folders with special names",
    { "s[1]*": "x\n/y\n", "a b": "x" },
    ["s[1]*/x", "s[1]*/y", "s1/x", "a b/x", "a b/z/x"],
  ],
  ["upper and lower case", { "": "Makefile\n" }, ["Makefile", "makefile"]],
  ["character classes", { "": "*.[oa]\n[!x]y\n" }, ["a.o", "a.b", "xy", "zy"]],
  [
    "rules of the repository only",
    { ".git/info/exclude": "*.local\nn\n", s: "!n\n" },
    ["a.local", "s/b.local", "n", "s/n"],
  ],
  ["only a slash", { s: "/\n" }, ["s/a"]],
];

it.each(tables)("%s: the same files are ignored as by git", async (_name, rules, paths) => {
  for (const path of paths) await put(path);
  for (const [folder, text] of Object.entries(rules)) {
    await put(folder.startsWith(".git/") ? folder : join(folder, ".gitignore"), text);
  }
  const expected = new Set(ignoredByGit(paths));
  const git = new GitIgnore(top);
  const found: string[] = [];
  for (const path of paths) {
    if ((await git.ignoredPart(top, path)) !== undefined) found.push(path);
  }
  expect(found).toEqual(paths.filter((path) => expected.has(path)));
});

it("within a folder that is ignored as a whole only its own rules count", async () => {
  await put(".gitignore", "out\n*.log\n");
  await put("out/.gitignore", "*.tmp\n");
  const ignores = await new GitIgnore(top).in(join(top, "out"));
  expect(["a.log", "a.tmp"].map((name) => ignores(name, false))).toEqual([false, true]);
});

it("the ignored folder above a file is named", async () => {
  await put("s/.gitignore", "build/out\n*.tmp\n");
  const git = new GitIgnore(top);
  const part = (path: string): Promise<string | undefined> => git.ignoredPart(join(top, "s"), path);
  expect(await part("build/out/x/a.js")).toBe("build/out");
  expect(await part("a.tmp")).toBe("a.tmp");
  expect(await part(basename("a.js"))).toBeUndefined();
});

it.each([
  ["x", "/a/**/x"],
  ["!x/", "!/a/**/x/"],
  ["/x", "/a/x"],
  ["x/y", "/a/x/y"],
  ["# x", "# x"],
])("the rule %s of a folder is %s at the top", (line, scoped) => {
  expect(scopeLine(line, "a")).toBe(scoped);
});
