import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDataFolder } from "./data-folder.ts";

let temporary: string;

beforeEach(() => {
  temporary = realpathSync(mkdtempSync(join(tmpdir(), "lever-data-")));
});
afterEach(() => rmSync(temporary, { recursive: true }));

it("a missing folder is created, private, with the version of its layout", () => {
  const { dir } = openDataFolder(join(temporary, "a/b"));
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(dir, "version"), "utf8")).toBe("1\n");
  expect(readdirSync(dir)).toEqual(["version"]);
  expect(openDataFolder(dir).dir).toBe(dir);
});

it("a link to a folder is followed", () => {
  symlinkSync(temporary, join(temporary, "link"));
  expect(openDataFolder(join(temporary, "link")).storeFile).toBe(join(temporary, "lever.sqlite"));
});

it.each([
  ["2\n", "dataFolderNewer", "a newer Lever wrote it"],
  ["0", "dataFolderOlder", "Move the folder away"],
  ["", "dataFolderDamaged", "Restore the folder from a backup"],
  ["1.5", "dataFolderDamaged", 'its file "version"'],
])("a folder with the version %j is refused as %s, with what to do", (text, problem, remedy) => {
  writeFileSync(join(temporary, "version"), text);
  expect(() => openDataFolder(temporary)).toThrow(
    expect.objectContaining({ problem, message: expect.stringContaining(remedy) }),
  );
  expect(readFileSync(join(temporary, "version"), "utf8")).toBe(text);
});

it("a store without a version is that of an unreleased Lever", () => {
  writeFileSync(join(temporary, "lever.sqlite"), "");
  expect(() => openDataFolder(temporary)).toThrow(
    expect.objectContaining({ problem: "dataFolderOlder" }),
  );
});
