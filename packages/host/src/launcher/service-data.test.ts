import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  moveDiskToFolder,
  moveFolderToDisk,
  removeServiceData,
  serviceDisksDir,
  serviceFoldersDir,
} from "./service-data.ts";

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "lever-service-data-"));
});

afterEach(() => rmSync(dataDir, { recursive: true }));

function write(...path: string[]): string {
  const file = join(...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, file);
  return file;
}

it("removing an environment's data removes folders and disks and no other environment's", async () => {
  const removed = [
    write(serviceFoldersDir(dataDir), "dev", "greeter", "file"),
    write(serviceDisksDir(dataDir), "dev", "greeter"),
  ];
  const kept = [
    write(serviceFoldersDir(dataDir), "live", "greeter", "file"),
    write(serviceDisksDir(dataDir), "live", "greeter"),
  ];
  await removeServiceData(dataDir, "dev");
  await removeServiceData(dataDir, "dev");
  expect(removed.filter(existsSync)).toEqual([]);
  expect(kept.filter(existsSync)).toEqual(kept);
});

it("a service without a disk keeps its folder as it is", async () => {
  const file = write(serviceFoldersDir(dataDir), "dev", "greeter", "file");
  await moveDiskToFolder(join(serviceDisksDir(dataDir), "dev", "greeter"), dirname(file));
  expect(readFileSync(file, "utf8")).toBe(file);
});

it("moving a folder to a disk copies hidden files too and empties the folder", async () => {
  const file = write(dataDir, "folder", ".hidden", "file");
  const disk = join(dataDir, "mounted disk");
  mkdirSync(disk);
  await moveFolderToDisk(join(dataDir, "folder"), disk, process.getuid?.() ?? 0);
  expect(readFileSync(join(disk, ".hidden", "file"), "utf8")).toBe(file);
  expect([existsSync(join(dataDir, "folder")), existsSync(file)]).toEqual([true, false]);
});

it("a service without a folder has nothing to move to its disk", async () => {
  await moveFolderToDisk(join(dataDir, "missing"), join(dataDir, "missing disk"), 0);
  expect(existsSync(join(dataDir, "missing disk"))).toBe(false);
});
