import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits } from "@leveros/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ArchiveEntry, archiveOf } from "../../../../tests/harness/archive.ts";
import type { VersionRecord } from "../store/store.ts";
import { CodeStore } from "./code-store.ts";
import { VersionFiles } from "./version-files.ts";

const ENVIRONMENT = "dev.lever";

let folder: string;
let code: CodeStore;
let records: VersionRecord[];
let files: VersionFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lever-versions-"));
  code = new CodeStore(folder, defaultLimits);
  records = [];
  files = new VersionFiles({
    store: { versions: async (of) => (of === ENVIRONMENT ? records : []) },
    code,
    codeDirOf: (record) => code.codeDirOf(record, async () => {}),
    limits: defaultLimits,
  });
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Adds a version of the service `svc`. */
function add(codeId: string): void {
  const version = records.length + 1;
  records.push({ environment: ENVIRONMENT, service: "svc", version, codeId } as VersionRecord);
}

async function deploy(entries: readonly ArchiveEntry[]): Promise<void> {
  async function* upload(): AsyncGenerator<Buffer> {
    yield archiveOf(entries);
  }
  add((await code.receive(upload())).codeId);
}

const compare = () => files.compare(ENVIRONMENT, "svc", { before: 1, after: 2 });
const read = (version: number, path: string) =>
  files.read(ENVIRONMENT, { service: "svc", version, path });

it("versions differ in files that were changed, added and removed, in their modes, and in targets of links", async () => {
  const same = { path: "lever.json", body: "{}" };
  const link = { path: "current", type: "SymbolicLink" } as const;
  await deploy([
    same,
    { path: "a.js", body: "1" },
    { path: "old.js", body: "" },
    { path: "run.sh", body: "#!/bin/sh" },
    { ...link, linkpath: "a.js" },
  ]);
  await deploy([
    { path: "./lever.json", body: "{}" },
    { path: "a.js", body: "22" },
    { path: "lib/new.js", body: "333" },
    { path: "run.sh", body: "#!/bin/sh", mode: 0o755 },
    { ...link, linkpath: "lib/new.js" },
  ]);
  expect(await compare()).toEqual({
    files: [
      { path: "a.js", before: 1, after: 2 },
      { path: "current", before: 0, after: 0 },
      { path: "lib/new.js", before: null, after: 3 },
      { path: "old.js", before: 0, after: null },
      { path: "run.sh", before: 9, after: 9 },
    ],
    more: 0,
  });
});

it("a comparison lists a bounded number of files, and counts the others", async () => {
  await deploy([{ path: "lever.json", body: "{}" }]);
  const many = Array.from({ length: 1_002 }, (_, index) => ({ path: `${index}.js`, body: "x" }));
  await deploy([{ path: "lever.json", body: "{}" }, ...many]);
  const { files: listed, more } = await compare();
  expect([listed.length, more]).toEqual([1_000, 2]);
});

it("a file is shown as it was deployed, if it is text and not too large", async () => {
  const large = "x".repeat(256 * 1024 + 1);
  await deploy([
    { path: "a.ts", body: "first" },
    { path: "./a.ts", body: "ünïcödé" },
    { path: "large.js", body: large },
    { path: "image.png", body: Buffer.from([0x89, 0x50, 0, 1]) },
  ]);
  expect(await read(1, "a.ts")).toEqual({ path: "a.ts", bytes: 11, text: "ünïcödé" });
  expect(await read(1, "large.js")).toMatchObject({ bytes: large.length, text: null });
  expect(await read(1, "image.png")).toMatchObject({ bytes: 4, text: null });
});

it("a file of a service without an archive is shown as it runs, but none outside of its folder", async () => {
  mkdirSync(join(folder, "code/dev"), { recursive: true });
  writeFileSync(join(folder, "code/dev/lever.json"), "{}");
  writeFileSync(join(folder, "code/dev/a.js"), "text");
  writeFileSync(join(folder, "secret.key"), "key");
  symlinkSync("../../secret.key", join(folder, "code/dev/link"));
  add("dev");
  expect(await read(1, "a.js")).toMatchObject({ text: "text" });
  for (const path of ["link", "../../secret.key", "/etc/passwd", ".", "missing.js"]) {
    await expect(read(1, path)).rejects.toMatchObject({ code: "not_found" });
  }
});

it("what is not kept is not found", async () => {
  await deploy([{ path: "lever.json", body: "{}" }]);
  await expect(read(2, "lever.json")).rejects.toMatchObject({ code: "not_found" });
  await expect(read(1, "a.js")).rejects.toThrow('Cannot show "a.js": version 1 of svc has no such');
  await expect(compare()).rejects.toMatchObject({ code: "not_found" });
  const other = files.read("other.lever", { service: "svc", version: 1, path: "lever.json" });
  await expect(other).rejects.toMatchObject({ code: "not_found" });
});
