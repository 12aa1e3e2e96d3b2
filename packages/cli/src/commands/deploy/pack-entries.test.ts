import { createHash, randomBytes } from "node:crypto";
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  realpath,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Contents } from "./contents/contents.ts";
import { readContents } from "./contents/read-contents.ts";
import { type PackedArchive, packEntries } from "./pack-entries.ts";

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "lever-pack-")));
});

afterEach(() => rm(folder, { recursive: true }));

function list(): Promise<Contents> {
  return readContents(folder, {});
}

function packAll({ entries }: Pick<Contents, "entries">): Promise<PackedArchive> {
  return packEntries(entries, { format: "tar.gz", archiveBytesMax: 10_000_000 });
}

async function pack(): Promise<Buffer> {
  return Buffer.concat((await packAll(await list())).chunks ?? []);
}

interface Unpacked {
  readonly entry: ReadEntry;
  readonly text: string;
}

/** Reads every entry of an archive with the library that the host uses. */
async function unpack(archive: Buffer): Promise<Map<string, Unpacked>> {
  const unpacked = new Map<string, Unpacked>();
  const pending: Promise<void>[] = [];
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      const read = entry
        .concat()
        .then((bytes) => unpacked.set(entry.path, { entry, text: bytes.toString() }));
      pending.push(read.then(() => {}));
    },
  });
  const ended = new Promise<void>((resolve, reject) => {
    parser.on("end", resolve);
    parser.on("error", reject);
  });
  parser.end(archive);
  await ended;
  await Promise.all(pending);
  return unpacked;
}

it("files, folders, links and modes survive packing and unpacking", async () => {
  await mkdir(join(folder, "lib/empty"), { recursive: true });
  await writeFile(join(folder, "lib/a.js"), "text of a");
  await writeFile(join(folder, "run.sh"), "#!/bin/sh\n");
  await chmod(join(folder, "run.sh"), 0o755);
  await symlink("lib/a.js", join(folder, "link.js"));
  const unpacked = await unpack(await pack());
  expect([...unpacked.keys()]).toEqual(["lib/", "lib/a.js", "lib/empty/", "link.js", "run.sh"]);
  expect(unpacked.get("lib/a.js")?.text).toBe("text of a");
  expect(unpacked.get("link.js")?.entry.type).toBe("SymbolicLink");
  expect(unpacked.get("link.js")?.entry.linkpath).toBe("lib/a.js");
  expect(unpacked.get("run.sh")?.entry.mode).toBe(0o755);
  expect(unpacked.get("lib/a.js")?.entry.mode).toBe(0o644);
});

it("unusual names survive packing and unpacking", async () => {
  const names = ["@at", "c:x", "-dash", "ünïcödé ☃", `${"long".repeat(60)}.js`, "back\\slash"];
  for (const name of names) await writeFile(join(folder, name), name);
  const unpacked = await unpack(await pack());
  for (const name of names) expect(unpacked.get(name)?.text).toBe(name);
});

it("a large file survives packing and unpacking", async () => {
  const bytes = Buffer.alloc(3_000_001, "0123456789abcdef-");
  await writeFile(join(folder, "large"), bytes);
  const unpacked = await unpack(await pack());
  expect(hash(unpacked.get("large")?.text ?? "")).toBe(hash(bytes));
});

it("hard links are packed as separate files", async () => {
  await writeFile(join(folder, "a.js"), "same");
  await link(join(folder, "a.js"), join(folder, "b.js"));
  const unpacked = await unpack(await pack());
  for (const name of ["a.js", "b.js"]) {
    expect(unpacked.get(name)).toMatchObject({ text: "same", entry: { type: "File" } });
  }
});

it("the same files make the same archive, whatever their owners and times", async () => {
  await writeFile(join(folder, "a.js"), "a");
  await mkdir(join(folder, "lib"));
  const first = await pack();
  await utimes(join(folder, "a.js"), 1_000_000_000, 1_000_000_000);
  await chmod(join(folder, "a.js"), 0o664);
  const second = await pack();
  expect(second.equals(first)).toBe(true);
  const { entry } = (await unpack(first)).get("a.js") ?? {};
  expect([entry?.uid, entry?.gid, entry?.uname, entry?.gname]).toEqual([
    undefined,
    undefined,
    "",
    "",
  ]);
});

it("a file that was made for the archive is packed", async () => {
  const entry = { kind: "text", path: "made.json", text: '{"ü": 1}' } as const;
  const { chunks = [] } = await packAll({ entries: [entry] });
  expect((await unpack(Buffer.concat(chunks))).get("made.json")?.text).toBe('{"ü": 1}');
});

it("the size of each file is reported when it is packed", async () => {
  await writeFile(join(folder, "a.js"), "12345");
  await writeFile(join(folder, "b.js"), "123");
  const { entries, bytes } = await list();
  let packedBytes = 0;
  await packEntries(entries, {
    format: "tar.gz",
    archiveBytesMax: 10_000,
    onPacked: (size) => {
      packedBytes += size;
    },
  });
  expect(packedBytes).toBe(bytes);
});

it("an archive that is too large is measured and not kept", async () => {
  await writeFile(join(folder, "a"), randomBytes(100_000));
  const { entries } = await list();
  const whole = await packEntries(entries, { format: "tar.gz", archiveBytesMax: 200_000 });
  expect(whole.unpackedBytes).toBe(gunzipSync(Buffer.concat(whole.chunks ?? [])).length);
  const measured = await packEntries(entries, { format: "tar.gz", archiveBytesMax: 50_000 });
  expect(measured).toEqual({ ...whole, chunks: undefined });
});

it.each([
  ["shrinks", () => truncate(join(folder, "a.js"), 1)],
  ["grows", () => writeFile(join(folder, "a.js"), "1234567")],
  ["disappears", () => rm(join(folder, "a.js"))],
])("a file that %s while it is packed is named", async (_how, change) => {
  await writeFile(join(folder, "a.js"), "12345");
  const { entries } = await list();
  await change();
  await expect(packAll({ entries })).rejects.toMatchObject({
    name: "CommandError",
    status: 1,
    message: "Cannot pack a.js: it changed while it was being read.",
  });
});

function hash(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
