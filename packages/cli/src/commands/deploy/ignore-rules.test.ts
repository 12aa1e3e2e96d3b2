import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createIgnoreRules, readIgnoreRules } from "./ignore-rules.ts";

describe("the rules of a .gitignore", () => {
  const rules = createIgnoreRules(".gitignore", "node_modules/\n*.log\n/dist\n!keep.log\n# *.js\n");

  it("leave out what they list", () => {
    expect(rules.leavesOut("a.log", false)).toBe(true);
    expect(rules.leavesOut("deep/a.log", false)).toBe(true);
    expect(rules.leavesOut("keep.log", false)).toBe(false);
    expect(rules.leavesOut("dist", true)).toBe(true);
    expect(rules.leavesOut("lib/dist", true)).toBe(false);
    expect(rules.leavesOut("server.js", false)).toBe(false);
  });

  it("tell upper from lower case, as git does", () => {
    expect(rules.leavesOut("A.LOG", false)).toBe(false);
  });

  it("do not reach into node_modules, which a service needs whole", () => {
    expect(rules.leavesOut("node_modules", true)).toBe(false);
    expect(rules.leavesOut("node_modules/dep/dist", true)).toBe(false);
    expect(rules.leavesOut("node_modules/dep/a.log", false)).toBe(false);
  });
});

describe("the rules of a .leverignore", () => {
  it("may leave out node_modules", () => {
    const rules = createIgnoreRules(".leverignore", "node_modules\n");
    expect(rules.leavesOut("node_modules", true)).toBe(true);
  });

  it("can neither bring in .git and .lever nor leave out lever.json", () => {
    const rules = createIgnoreRules(".leverignore", "!.git\n!.lever\n*.json\n");
    expect(rules.leavesOut(".git", true)).toBe(true);
    expect(rules.leavesOut("node_modules/dep/.git", true)).toBe(true);
    expect(rules.leavesOut(".lever", true)).toBe(true);
    expect(rules.leavesOut("lever.json", false)).toBe(false);
    expect(rules.leavesOut("lib/lever.json", false)).toBe(true);
  });
});

describe("a folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "lever-ignore-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("without any rules leaves nothing out but .git and .lever", async () => {
    const rules = await readIgnoreRules(folder);
    expect(rules.file).toBeUndefined();
    expect(rules.leavesOut("a.log", false)).toBe(false);
    expect(rules.leavesOut(".git", true)).toBe(true);
  });

  it("is ruled by its .gitignore", async () => {
    await writeFile(join(folder, ".gitignore"), "\uFEFF*.log\n");
    const rules = await readIgnoreRules(folder);
    expect(rules.file).toBe(".gitignore");
    expect(rules.leavesOut("a.log", false)).toBe(true);
  });

  it("is ruled by its .leverignore alone when it has both", async () => {
    await writeFile(join(folder, ".gitignore"), "*.log\n");
    await writeFile(join(folder, ".leverignore"), "*.tmp\n");
    const rules = await readIgnoreRules(folder);
    expect(rules.file).toBe(".leverignore");
    expect([rules.leavesOut("a.log", false), rules.leavesOut("a.tmp", false)]).toEqual([
      false,
      true,
    ]);
  });
});
