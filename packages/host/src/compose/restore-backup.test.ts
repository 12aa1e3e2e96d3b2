import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type BackupEntry,
  BackupSum,
  backupHead,
  FIRST_ENTRY,
  LAST_ENTRY,
} from "../backup/backup-format.ts";
import { Backups } from "../backup/backups.ts";
import { TAR_END, tarHeader, tarPadding } from "../backup/write-tar.ts";
import { openData } from "./open-data.ts";
import { restoreBackup } from "./restore-backup.ts";

let dir: string;
let file: string;
let target: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-restore-"));
  file = join(dir, "file");
  target = join(dir, "target");
});

afterEach(() => rmSync(dir, { recursive: true }));

/** A backup of a new data folder, with what a service has stored. */
async function makeBackup(): Promise<Buffer> {
  const { folder, store } = openData(join(dir, "source"));
  const data = join(folder.dir, "services/dev.lever/svc");
  mkdirSync(join(data, "a/b"), { recursive: true });
  writeFileSync(join(data, "a/b/empty"), "");
  writeFileSync(join(data, `${"long-".repeat(40)}é`), Buffer.alloc(700_000, "content"), {
    mode: 0o640,
  });
  const chunks: Buffer[] = [];
  const backups = new Backups({
    dataDir: folder.dir,
    store,
    linkArchive: async () => undefined,
    openServiceData: async () => ({ dir: data, release: () => {} }),
    clock: { wallTime: () => 0 },
  });
  await backups.write({ take: async (chunk) => void chunks.push(chunk) }, { hasServiceData: true });
  await store.close();
  return Buffer.concat(chunks);
}

/** A backup with these entries, whose end belongs to them. */
function craft(
  ...entries: readonly (Partial<BackupEntry> & { path: string; text?: string })[]
): Buffer {
  const sum = new BackupSum();
  const whole = (path: string, text: string): Buffer[] => {
    const size = Buffer.byteLength(text);
    const header = tarHeader({ kind: "file", path, mode: 0o600, size, target: "" });
    return [header, Buffer.from(text), tarPadding(size)];
  };
  const parts = entries.flatMap(({ text = "", ...about }) => {
    const size = Buffer.byteLength(text);
    const entry = { kind: "file", mode: 0o600, size, target: "", ...about } as const;
    sum.add(entry);
    sum.addContent(Buffer.from(text));
    return [tarHeader(entry), Buffer.from(text), tarPadding(size)];
  });
  const head = whole(FIRST_ENTRY, JSON.stringify(backupHead("1970-01-01T00:00:00.000Z", true)));
  const tar = [...head, ...parts, ...whole(LAST_ENTRY, JSON.stringify(sum.end())), TAR_END];
  return zstdCompressSync(Buffer.concat(tar));
}

/** The files that this process has open. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // Closed since.
      return [];
    }
  });
}

it("a restored folder has the same files, and opens as a data folder", async () => {
  writeFileSync(file, await makeBackup());
  mkdirSync(target);
  mkdirSync(join(target, "lost+found"));
  const restored = await restoreBackup({ file, dataDir: target });
  expect(restored).toMatchObject({ dataDir: target, services: 0, hasServiceData: true });
  const [from, to] = [join(dir, "source/services"), join(target, "services")];
  const names = readdirSync(from, { recursive: true });
  expect(readdirSync(to, { recursive: true }).toSorted()).toEqual(names.toSorted());
  const long = names.map(String).find((name) => name.includes("long-")) ?? "";
  expect(readFileSync(join(to, long)).equals(readFileSync(join(from, long)))).toBe(true);
  await openData(target).store.close();
});

const folder = { kind: "folder", mode: 0o700 } as const;
const services = [
  { ...folder, path: "services" },
  { ...folder, path: "services/e" },
  { ...folder, path: "services/e/s" },
];

describe("a file that is no backup is refused with a sentence, and the folder stays empty", () => {
  const rows: readonly [string, (backup: Buffer) => Buffer, string | RegExp][] = [
    ["an empty file", () => Buffer.alloc(0), "it is empty"],
    ["a file of another kind", () => gzipSync("text"), "it is not a backup"],
    ["something else in zstd", () => zstdCompressSync("text".repeat(500)), /it is (damaged|not a)/],
    ["a torn one", (backup) => backup.subarray(0, backup.length / 2), "its end is missing"],
    [
      "one with a changed byte",
      (backup) => Buffer.from(backup.with(Math.floor(backup.length / 3), 77)),
      "it is damaged",
    ],
    ["one without a database", () => craft({ path: "version", text: "1\n" }), "it is damaged"],
    ["one with another file", () => craft({ path: "code/x" }), 'its entry "code/x"'],
    [
      "one with a path that leads out",
      () => craft({ path: "services/e/s/../../../x" }),
      "its entry",
    ],
    [
      "one with a file behind a link",
      () =>
        craft(
          ...services,
          { kind: "link", path: "services/e/s/l", mode: 0o777, target: "../../../.." },
          { path: "services/e/s/l/x", text: "written" },
        ),
      "it is damaged",
    ],
    [
      "one of a newer Lever",
      () => craft({ path: "version", text: "1000\n" }, { path: "lever.sqlite" }),
      "a newer Lever wrote it",
    ],
  ];

  it.each(rows)("%s", async (_, change, reason) => {
    writeFileSync(file, change(await makeBackup()));
    await expect(restoreBackup({ file, dataDir: target })).rejects.toThrow(reason);
    expect(readdirSync(target)).toEqual([]);
    expect(existsSync(join(dir, "x"))).toBe(false);
    expect(openFiles().filter((path) => path.startsWith(dir))).toEqual([]);
  });
});
