import { existsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { unpackArchive } from "@leveros/host/parts";
import { LeverError } from "@leveros/protocol";
import { type ArchiveEntry, tarEntry } from "../../harness/archive.ts";
import { ownMemory } from "../own-memory.ts";
import { openFiles } from "../process-files.ts";
import type { FuzzTarget, Subject } from "../target.ts";

/** Unpacking of archives: it writes only inside its folder, and refuses every faulty archive as `invalid_archive`. */
export const archives: FuzzTarget = {
  name: "archives",
  async open(): Promise<Subject> {
    const root = await mkdtemp(join(tmpdir(), "lever-fuzz-"));
    let turn = 0;
    const unpack = async (archive: Buffer): Promise<readonly string[] | LeverError> => {
      // A folder around it, so that whatever goes one step out is seen; two or more are seen between inputs.
      const around = join(root, `${turn++}`);
      await mkdir(around);
      await writeFile(join(around, "archive"), archive);
      const folder = join(around, "unpacked");
      try {
        const limits = { unpackedBytesMax: 1_000_000, archiveEntriesMax: 60 };
        const problem = await unpackArchive(join(around, "archive"), folder, limits).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (String(await readdir(around)) !== "archive,unpacked") {
          throw new Error(`it wrote outside: ${await readdir(around)}`);
        }
        if (problem === undefined) return await listInside(folder);
        if (problem instanceof LeverError && problem.code === "invalid_archive") return problem;
        throw new Error(`it failed with ${problem instanceof Error ? problem.stack : problem}`);
      } finally {
        await rm(around, { recursive: true, force: true });
      }
    };
    return {
      corpus: { inputs: inputs(), words: WORDS, encode },
      inputsAtOnce: 8,
      async feed(bytes) {
        await unpack(bytes);
      },
      async check() {
        const entries = await unpack(encode(inputs()[0] ?? []));
        if (String(entries) !== "lever.json,lib,lib/link.js,lib/main.js") {
          throw new Error(`a valid archive is unpacked as ${entries}`);
        }
        const left = await readdir(root);
        if (left.length > 0 || existsSync(OUTSIDE)) throw new Error(`there is ${left} outside`);
      },
      async measure() {
        const files = openFiles(process.pid).length;
        return [await ownMemory(), { name: "files", value: files, growthMax: 4 }];
      },
      async [Symbol.asyncDispose]() {
        await rm(root, { recursive: true, force: true });
      },
    };
  },
};

/** An absolute path that archives try to write to. */
const OUTSIDE = join(tmpdir(), "lever-fuzz-outside");

/** Everything in a folder, in order. @throws Error for a link that leads out of it. */
async function listInside(folder: string): Promise<string[]> {
  const inside = (await realpath(folder)) + sep;
  const entries = [""];
  // Links are not followed: they may lead in a circle.
  for (const entry of entries) {
    const path = join(folder, entry);
    const found = await lstat(path);
    if (found.isDirectory()) {
      entries.push(...(await readdir(path)).map((name) => join(entry, name)));
    } else if (!found.isFile() && !found.isSymbolicLink()) {
      throw new Error(`${entry} is unpacked, and is neither file, folder nor link`);
    } else if (found.isFile() && (found.mode & 0o7022) !== 0) {
      throw new Error(`${entry} has the mode ${found.mode.toString(8)}`);
    }
    if (!`${await realpath(path)}${sep}`.startsWith(inside)) throw new Error(`${entry} leads out`);
  }
  return entries.slice(1).sort();
}

const BLOCK_BYTES = 512;
const SUM_AT = 148;
const SUM_BYTES = 8;

/** Entries as an archive in one of the two formats; headers get sums that fit, and everything whole blocks. */
function encode(parts: readonly Buffer[]): Buffer {
  const entries = parts.map((part) => {
    const padded = Buffer.alloc(Math.ceil(part.length / BLOCK_BYTES) * BLOCK_BYTES);
    part.copy(padded);
    if (padded.length === 0) return padded;
    padded.fill(" ", SUM_AT, SUM_AT + SUM_BYTES);
    let sum = 0;
    for (let at = 0; at < BLOCK_BYTES; at++) sum += padded[at] ?? 0;
    padded.write(`${sum.toString(8).padStart(6, "0")}\0 `, SUM_AT, "latin1");
    return padded;
  });
  const tar = Buffer.concat([...entries, Buffer.alloc(2 * BLOCK_BYTES)]);
  return parts.length % 2 === 0 ? gzipSync(tar, { level: 1 }) : zstdCompressSync(tar);
}

function inputs(): Buffer[][] {
  const packed = (entries: readonly ArchiveEntry[]): Buffer[] => entries.map(tarEntry);
  const pax = (record: string): ArchiveEntry => {
    // Its own length is part of the record (pax, "pax Extended Header").
    const length = record.length + 2;
    const size = String(length + String(length).length);
    return { path: "PaxHeader", type: "ExtendedHeader", body: `${size} ${record}\n` };
  };
  return [
    packed([
      { path: "lever.json", body: '{"name": "fuzz", "jsEntry": "lib/main.js"}' },
      { path: "lib", type: "Directory" },
      { path: "lib/main.js", body: "exports.one = () => 1;" },
      { path: "lib/link.js", type: "SymbolicLink", linkpath: "main.js" },
    ]),
    packed([
      { path: "a/b/c.txt", body: "x".repeat(600) },
      { path: "a/hard", type: "Link", linkpath: "a/b/c.txt" },
      { path: "a/up", type: "SymbolicLink", linkpath: ".." },
      { path: "a/b/top", type: "SymbolicLink", linkpath: "../up/a" },
      { path: "a/b/d.txt", body: "" },
    ]),
    packed([
      pax("path=long/name.txt"),
      { path: "short", body: "from a long name" },
      pax("linkpath=long/name.txt"),
      { path: "to", type: "SymbolicLink", linkpath: "x" },
      { path: "././@LongLink", type: "NextFileHasLongPath", body: `${"n".repeat(120)}\0` },
      { path: "n", body: "1" },
      { path: "global", type: "GlobalExtendedHeader", body: "18 comment=nothing\n" },
    ]),
    packed([
      { path: "big.bin", body: Buffer.alloc(20_000, 7) },
      { path: "old", type: "OldFile", body: "o" },
      { path: "cont", type: "ContiguousFile", body: "c" },
    ]),
  ];
}

const WORDS: readonly (string | Buffer)[] = [
  "..",
  "../",
  "../../../../../../tmp/lever-fuzz-outside",
  `${OUTSIDE}\0`,
  "/",
  "./",
  "//",
  "\0",
  "\\",
  "C:\\",
  "a/",
  "a/up/",
  "lib/link.js/",
  "path=../out\n",
  "size=99999999999\n",
  "18 path=../outside\n",
  "\u{1f4a9}",
  "\xff",
  "7777777777\0",
  "-0000000001\0",
  Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0]),
  Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  // Types of entries: hard and symbolic links, devices, a pipe, headers of several tars.
  ..."0123456789xgLKDMNSVAX",
  gzipSync("twice"),
  zstdCompressSync("twice"),
  Buffer.alloc(BLOCK_BYTES),
  "x".repeat(300),
];
