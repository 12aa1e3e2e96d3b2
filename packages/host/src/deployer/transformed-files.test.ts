import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { TransformedFiles } from "./transformed-files.ts";

let around: string;
let folder: string;
const bytes = Buffer.from("written");

beforeEach(() => {
  around = mkdtempSync(join(tmpdir(), "lever-transformed-"));
  folder = join(around, "code");
  mkdirSync(join(folder, "src"), { recursive: true });
  for (const path of ["src/a.ts", "src/a.js", "lever.json"])
    writeFileSync(join(folder, path), path);
  writeFileSync(join(around, "outside.ts"), "outside");
  symlinkSync("src/a.ts", join(folder, "link.ts"));
  symlinkSync("src", join(folder, "linked"));
  symlinkSync("../..", join(folder, "src/up"));
});

afterEach(() => rmSync(around, { recursive: true }));

const files = (): TransformedFiles => new TransformedFiles(folder, { filesMax: 2, bytesMax: 10 });

it("a source is replaced as a new file with the mode of the old one", async () => {
  linkSync(join(folder, "src/a.ts"), join(folder, "src/b.ts"));
  await files().write("src/a.ts", bytes);
  await files().write("src/a.ts.cjs.map", bytes);
  expect(readFileSync(join(folder, "src/a.ts"), "utf8")).toBe("written");
  expect(readFileSync(join(folder, "src/b.ts"), "utf8")).toBe("src/a.ts");
  expect(statSync(join(folder, "src/a.ts")).mode & 0o777).toBe(0o644);
});

it.each([
  "../outside.ts",
  "src/../src/a.ts",
  "/src/a.ts",
  "src/up/outside.ts",
  "linked/a.ts",
  "link.ts",
  "src/a.js",
  "lever.json",
  "src/new.ts",
  "src/a.js.map",
  "src",
  "missing/a.ts.cjs.map",
  "src/a.ts\0",
  "",
])("a transform that answers with a file for %j is refused", async (path) => {
  await expect(files().write(path, bytes)).rejects.toMatchObject({ code: "internal" });
  expect(readFileSync(join(around, "outside.ts"), "utf8")).toBe("outside");
  expect(readFileSync(join(folder, "src/a.ts"), "utf8")).toBe("src/a.ts");
});

it("files and bytes are counted before they arrive", () => {
  const counted = files();
  counted.announce(10);
  expect(() => counted.announce(1)).toThrow("more than 10 bytes or 2 files");
  const many = files();
  for (let i = 0; i < 2; i++) many.announce(0);
  expect(() => many.announce(0)).toThrow("more than 10 bytes or 2 files");
});

it("the mark replaces what the archive has at its path", async () => {
  mkdirSync(join(folder, ".lever-transformed/deep"), { recursive: true });
  await files().finish();
  expect(readFileSync(join(folder, ".lever-transformed"), "utf8")).toBe("typescript\n");
});
