import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openData } from "./open-data.ts";
import { StartupError } from "./startup-error.ts";

let dir: string;
let file: string;
let copy: string;

beforeEach(async () => {
  dir = join(realpathSync(mkdtempSync(join(tmpdir(), "lever-open-"))), "data");
  file = join(dir, "lever.sqlite");
  copy = join(dir, "backup", "lever.sqlite");
  const { store } = openData(dir);
  for (let i = 0; i < 100; i++) await store.notes.write(`name ${i}`, "x".repeat(1_000));
  mkdirSync(join(dir, "backup"));
  await store.copyTo(copy);
  await store.close();
});
afterEach(() => rmSync(join(dir, ".."), { recursive: true }));

function refusal(path = dir): StartupError {
  try {
    openData(path);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error("The folder was opened.");
}

function put(...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), "");
  }
}

function change(sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

const archives = (): void => put("archives/aa.tar.gz", "archives/bb.tar.gz");

describe("a data folder is refused", () => {
  const remove = (): void => rmSync(file);
  const empty = (): void => writeFileSync(file, "");
  it.each([
    [
      "no database beside archives",
      [archives, remove],
      "it is missing. Found beside it: archives of deployed services (2)",
    ],
    [
      "an empty one beside archives",
      [archives, empty],
      "it is empty. Found beside it: archives of deployed services (2)",
    ],
    [
      "one without tables beside archives",
      [archives, remove, () => change("PRAGMA user_version = 0")],
      "it is empty",
    ],
    [
      "no database beside a key",
      [() => put("secret.key"), remove],
      "Found beside it: the key of secrets",
    ],
    [
      "no database beside folders of a host",
      [() => put("services/dev.lever/a/b", "processes/1"), remove],
      "folders of a host (processes, services)",
    ],
    ["no database, and a log of one", [() => put("lever.sqlite-wal"), remove], "it is missing"],
  ])("with %s", (_, changes, reason) => {
    for (const change of changes) change();
    const before = readdirSync(dir, { recursive: true }).sort();
    const { problem, message } = refusal();
    expect({ problem, message }).toEqual({
      problem: "dataFolderDamaged",
      message: expect.stringContaining(reason),
    });
    expect(message).toContain(`rm -f ${file}*; cp ${copy} ${file}\n`);
    expect(message).toContain(`To start as new, move the folder ${dir} away.`);
    expect(readdirSync(dir, { recursive: true }).sort()).toEqual(before);
  });

  it.each([
    ["random bytes", () => writeFileSync(file, "x".repeat(10_000)), "file is not a database"],
    ["half of its database", () => truncateSync(file, 50_000), "malformed"],
    [
      "overwritten pages",
      () => writeFileSync(file, "x".repeat(8_192), { flag: "r+" }),
      "file is not a database",
    ],
    ["a database without its tables", () => change("DROP TABLE tokens"), "no such table: tokens"],
    [
      "the database of another program",
      () => change("PRAGMA user_version = 0"),
      "another program has written it",
    ],
  ])("with %s", (_, damage, reason) => {
    damage();
    const { problem, message } = refusal();
    expect(problem).toBe("dataFolderDamaged");
    expect(message).toContain(`Cannot open the store ${file}: it is damaged (`);
    expect(message).toContain(reason);
    expect(message).toContain(`cp ${copy} ${file}`);
  });

  it("with a damaged database and no copy, and names a backup", () => {
    rmSync(copy);
    writeFileSync(file, "x".repeat(10_000));
    expect(refusal().message).toContain(`Restore ${file} from a backup.`);
  });

  it.each([
    ["that is a file", () => file, "a file is in the place of a folder (EEXIST)"],
    ["below a file", () => join(file, "data"), "a file is in the place of a folder (ENOTDIR)"],
  ])("%s", (_, path, reason) => {
    expect(refusal(path())).toMatchObject({
      problem: "dataFolderUnusable",
      message: `Cannot use the data folder ${path()}: ${reason}.`,
    });
  });

  it.each(["lever.sqlite", "version"])("with a folder named %s", (name) => {
    rmSync(join(dir, name));
    mkdirSync(join(dir, name));
    const { problem, message } = refusal();
    expect(problem).toBe("dataFolderUnusable");
    expect(message).toMatch(/^Cannot use the data folder .*a folder is in the place of a file/);
  });
});

it("a data folder opens with the copy of its database", async () => {
  archives();
  rmSync(file);
  copyFileSync(copy, file);
  const { store } = openData(dir);
  expect(await store.notes.read("name 99")).toHaveLength(1_000);
  await store.close();
});

it("a folder whose first start was cut off is new", async () => {
  for (const name of readdirSync(dir))
    if (name !== "version") rmSync(join(dir, name), { recursive: true });
  writeFileSync(file, "");
  writeFileSync(join(dir, "notes.txt"), "of the user");
  await openData(dir).store.close();
});

it("a folder of a user that no host has used is new, whatever it has", async () => {
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
  put("code/main.ts", "services/readme.md", "archives/old.zip");
  await openData(dir).store.close();
});

it("a folder without a version that has archives is not new", () => {
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
  archives();
  expect(refusal().message).toContain("archives of deployed services (2)");
});
