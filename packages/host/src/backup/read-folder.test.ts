import { execFileSync } from "node:child_process";
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type FolderEntry, readFolder } from "./read-folder.ts";

let dir: string;
let data: string;
let skipped: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-read-folder-"));
  data = join(dir, "data");
  mkdirSync(join(data, "a"), { recursive: true });
  writeFileSync(join(data, "a/inner"), "inner");
  writeFileSync(join(dir, "secret"), "secret");
  skipped = 0;
});

afterEach(() => rmSync(dir, { recursive: true }));

async function read(onEntry: (entry: FolderEntry) => void = () => {}): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of readFolder(data, { onSkipped: () => skipped++ })) {
    const content = entry.kind === "file" ? await entry.file.readFile("utf8") : "";
    found.push(
      `${entry.kind} ${entry.path} ${entry.kind === "link" ? entry.target : content}`.trim(),
    );
    onEntry(entry);
  }
  return found;
}

it("folders come before what is in them, and links are read, not followed", async () => {
  symlinkSync("../secret", join(data, "a/link"));
  symlinkSync(dir, join(data, "out"));
  mkdirSync(join(data, "lost+found"));
  const found = await read();
  expect(found.toSorted()).toEqual([
    "file a/inner inner",
    "folder a",
    "link a/link ../secret",
    `link out ${dir}`,
  ]);
  expect(found.indexOf("folder a")).toBeLessThan(found.indexOf("file a/inner inner"));
  expect(skipped).toBe(0);
});

it("what is no file, folder or link is left out", async () => {
  execFileSync("mkfifo", [join(data, "pipe")]);
  expect(await read()).toHaveLength(2);
  expect(skipped).toBe(1);
});

it("a link in the place of an opened folder leads nowhere else", async () => {
  mkdirSync(join(dir, "other"));
  writeFileSync(join(dir, "other/inner"), "secret");
  const found = await read((entry) => {
    if (entry.path !== "a") return;
    renameSync(join(data, "a"), join(dir, "moved"));
    symlinkSync(join(dir, "other"), join(data, "a"));
  });
  expect(found).toContain("file a/inner inner");
});

it("a file of another user is left out", { tags: ["needs-root"] }, async () => {
  chownSync(join(data, "a/inner"), 12_345, 12_345);
  expect(await read()).toEqual(["folder a"]);
  expect(skipped).toBe(1);
});

it("a folder that is missing is empty", async () => {
  rmSync(data, { recursive: true });
  expect(await read()).toEqual([]);
});
