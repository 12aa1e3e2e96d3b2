import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createIgnoreRules, readIgnoreRules } from "./ignore-rules.ts";

describe("a .gitignore", () => {
  const rules = createIgnoreRules(".gitignore", "node_modules/\n*.log\n/dist\n!keep.log\n# *.js\n");

  it("excludes the files that it lists", () => {
    expect(rules.ignores("a.log", false)).toBe(true);
    expect(rules.ignores("deep/a.log", false)).toBe(true);
    expect(rules.ignores("keep.log", false)).toBe(false);
    expect(rules.ignores("dist", true)).toBe(true);
    expect(rules.ignores("lib/dist", true)).toBe(false);
    expect(rules.ignores("server.js", false)).toBe(false);
  });

  it("distinguishes upper and lower case, as git does", () => {
    expect(rules.ignores("A.LOG", false)).toBe(false);
  });

  it("does not apply inside node_modules, which a service needs complete", () => {
    expect(rules.ignores("node_modules", true)).toBe(false);
    expect(rules.ignores("node_modules/dep/dist", true)).toBe(false);
    expect(rules.ignores("node_modules/dep/a.log", false)).toBe(false);
  });
});

describe("a .leverignore", () => {
  it("can exclude node_modules", () => {
    const rules = createIgnoreRules(".leverignore", "node_modules\n");
    expect(rules.ignores("node_modules", true)).toBe(true);
  });

  it("can neither include .git and .lever nor exclude lever.json", () => {
    const rules = createIgnoreRules(".leverignore", "!.git\n!.lever\n*.json\n");
    expect(rules.ignores(".git", true)).toBe(true);
    expect(rules.ignores("node_modules/dep/.git", true)).toBe(true);
    expect(rules.ignores(".lever", true)).toBe(true);
    expect(rules.ignores("lever.json", false)).toBe(false);
    expect(rules.ignores("lib/lever.json", false)).toBe(true);
  });
});

describe("a folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "lever-ignore-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("without a file of rules excludes only .git and .lever", async () => {
    const rules = await readIgnoreRules(folder);
    expect(rules.file).toBeUndefined();
    expect(rules.ignores("a.log", false)).toBe(false);
    expect(rules.ignores(".git", true)).toBe(true);
  });

  it("follows its .gitignore", async () => {
    await writeFile(join(folder, ".gitignore"), "\uFEFF*.log\n");
    const rules = await readIgnoreRules(folder);
    expect(rules.file).toBe(".gitignore");
    expect(rules.ignores("a.log", false)).toBe(true);
  });

  it("follows only its .leverignore when it has both", async () => {
    await writeFile(join(folder, ".gitignore"), "*.log\n");
    await writeFile(join(folder, ".leverignore"), "*.tmp\n");
    const rules = await readIgnoreRules(folder);
    expect(rules.file).toBe(".leverignore");
    expect([rules.ignores("a.log", false), rules.ignores("a.tmp", false)]).toEqual([false, true]);
  });
});
