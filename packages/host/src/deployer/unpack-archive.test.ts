import { lstat, mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ArchiveEntry, archiveOf, tarOf } from "../../../../tests/harness/archive.ts";
import { unpackArchive } from "./unpack-archive.ts";

let around: string;
let folder: string;

beforeEach(async () => {
  around = await mkdtemp(join(tmpdir(), "lever-unpack-"));
  folder = join(around, "code");
});

afterEach(() => rm(around, { recursive: true }));

async function unpack(entries: readonly ArchiveEntry[]): Promise<void> {
  await unpackBytes(archiveOf(entries));
}

async function unpackBytes(archive: Buffer): Promise<void> {
  await writeFile(join(around, "archive"), archive);
  const limits = { unpackedBytesMax: 64 * 1024 * 1024, archiveEntriesMax: 100 };
  await unpackArchive(join(around, "archive"), folder, limits);
}

const large = Buffer.alloc(3_000_000, "large ");

it.each([
  ["small after small", Buffer.from("first, and longer"), Buffer.from("last")],
  ["small after large", large, Buffer.from("last")],
  ["large after small", Buffer.from("first"), large],
  ["large after large", Buffer.alloc(4_000_000, "x"), large],
])("of a file that stands twice, %s, the last one counts whole", async (_name, first, last) => {
  for (const path of ["a.js", "./a.js", ".//a.js"]) {
    await unpack([
      { path: "a.js", body: first, mode: 0o755 },
      { path, body: last },
    ]);
    expect((await readFile(join(folder, "a.js"))).equals(last)).toBe(true);
    expect((await stat(join(folder, "a.js"))).mode & 0o777).toBe(0o644);
    await rm(folder, { recursive: true });
  }
});

it("of one path that stands 50 times the last file counts", async () => {
  await unpack(
    Array.from({ length: 50 }, (_, index) => ({ path: "d//a.js", body: `file ${index}` })),
  );
  expect(await readFile(join(folder, "d/a.js"), "utf8")).toBe("file 49");
});

const file = { path: "a", body: "file" } as const;
const target = { path: "b", body: "target" } as const;
const symbolic = { path: "./a", type: "SymbolicLink", linkpath: "b" } as const;
const hard = { path: "a", type: "Link", linkpath: "b" } as const;

it.each<readonly [string, readonly ArchiveEntry[], string]>([
  ["a file after a link", [symbolic, target, file], "file"],
  ["a link after a file", [file, target, symbolic], "target"],
  ["a hard link after a file", [file, target, hard], "target"],
  ["a link after another link", [hard, target, symbolic], "target"],
])("%s replaces it", async (_name, entries, text) => {
  await unpack(entries);
  expect(await readFile(join(folder, "a"), "utf8")).toBe(text);
  expect(await readFile(join(folder, "b"), "utf8")).toBe("target");
  const isLink = (await lstat(join(folder, "a"))).isSymbolicLink();
  expect(isLink).toBe(entries.at(-1) === symbolic);
  if (isLink) expect(await readlink(join(folder, "a"))).toBe("b");
});

describe("an archive compressed with zstd", () => {
  const zeros = Buffer.alloc(65 * 1024 * 1024);
  const tar = tarOf([{ path: "a.js", body: large }]);

  it("is unpacked", async () => {
    await unpackBytes(zstdCompressSync(tar));
    expect((await readFile(join(folder, "a.js"))).equals(large)).toBe(true);
  });

  it("is read to the end of its first frame", async () => {
    await unpackBytes(Buffer.concat([zstdCompressSync(tar), zstdCompressSync(zeros)]));
    expect((await readFile(join(folder, "a.js"))).equals(large)).toBe(true);
  });

  it.each<[string, () => Buffer, string]>([
    ["that is cut off", () => zstdCompressSync(tar).subarray(0, -9), "cut off in the middle"],
    [
      "with more than its limit",
      () => zstdCompressSync(tarOf([{ path: "a", body: zeros }])),
      "more than 67108864 bytes",
    ],
    [
      "with changed bytes",
      () => {
        const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
        const archive = zstdCompressSync(tar, checked);
        return Buffer.concat([archive.subarray(0, -4), Buffer.from("dead")]);
      },
      "its compression with zstd is damaged",
    ],
    [
      "that needs much memory",
      () => {
        const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 };
        return zstdCompressSync(zeros, { params });
      },
      "its compression with zstd is damaged",
    ],
  ])("%s is refused", async (_name, archive, reason) => {
    await expect(unpackBytes(archive())).rejects.toThrow(reason);
  });
});
