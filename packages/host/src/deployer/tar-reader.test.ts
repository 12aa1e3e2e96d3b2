import { expect, it } from "vitest";
import { type ArchiveEntry, tarEntry, tarOf } from "../../../../tests/harness/archive.ts";
import { TarReader } from "./tar-reader.ts";

/** The entries of an archive that arrives in pieces, with their contents. */
function read(archive: Buffer, pieceBytes = archive.length): string[] {
  const found: string[] = [];
  const reader = new TarReader({
    onEntry({ type, path, linkpath, size }) {
      found.push(`${type} ${path}${linkpath && ` -> ${linkpath}`} ${size} `);
    },
    onContent(piece) {
      found[found.length - 1] += piece.toString();
    },
    onEntryEnd() {
      found[found.length - 1] += "|";
    },
  });
  for (let at = 0; at < archive.length; at += pieceBytes) {
    reader.push(archive.subarray(at, at + pieceBytes));
  }
  reader.end();
  return found;
}

const long = "n".repeat(120);
const pax = (record: string): ArchiveEntry => {
  const length = record.length + 2;
  const size = String(length + String(length).length);
  return { path: "PaxHeader", type: "ExtendedHeader", body: `${size} ${record}\n` };
};

const entries: readonly ArchiveEntry[] = [
  { path: "lib/", type: "Directory" },
  { path: "lib/a.js", body: "x".repeat(600) },
  { path: "empty", body: "" },
  { path: "to", type: "SymbolicLink", linkpath: "lib/a.js" },
  pax("path=from/pax"),
  { path: "short", body: "from pax" },
  { path: "././@LongLink", type: "NextFileHasLongPath", body: `${long}\0` },
  { path: "short", body: "from gnu" },
  { path: "whole", body: "y".repeat(512) },
];

const expected = [
  "Directory lib/ 0 |",
  `File lib/a.js 600 ${"x".repeat(600)}|`,
  "File empty 0 |",
  "SymbolicLink to -> lib/a.js 0 |",
  "File from/pax 8 from pax|",
  `File ${long} 8 from gnu|`,
  `File whole 512 ${"y".repeat(512)}|`,
];

it.each([1, 7, 511, 512, 513, 100_000])(
  "an archive that arrives in pieces of %i bytes is read as one",
  (pieceBytes) => {
    expect(read(tarOf(entries), pieceBytes)).toEqual(expected);
  },
);

it("an archive ends with two empty blocks, or with its last entry", () => {
  const archive = tarOf(entries.slice(0, 2));
  expect(read(Buffer.concat([archive, Buffer.from("rest".repeat(500))]))).toEqual(
    expected.slice(0, 2),
  );
  expect(read(archive.subarray(0, -1_024))).toEqual(expected.slice(0, 2));
});

const file = tarEntry({ path: "a.js", body: "text" });
const changed = (at: number, text: string): Buffer => {
  const bytes = Buffer.from(file);
  bytes.write(text, at, "latin1");
  return bytes;
};

it.each([
  ["without a single entry", Buffer.alloc(1_024), "it has no entries"],
  ["that is empty", Buffer.alloc(0), "it has no entries"],
  ["that ends in the padding of a file", file.subarray(0, -1), "it is cut off"],
  ["that ends in a file", file.subarray(0, 514), "it is cut off"],
  ["with a changed header", changed(0, "b"), "the checksum of a header is wrong"],
  ["of another kind", Buffer.alloc(2_000, "<html>"), "the checksum of a header is wrong"],
  ["with a file without a name", tarOf([{ path: "", body: "x" }]), "an entry has no name"],
  [
    "with a link to nothing",
    tarOf([{ path: "a", type: "SymbolicLink", linkpath: "" }]),
    "a link leads to nothing",
  ],
  [
    "with a file that is a link",
    tarOf([{ path: "a", type: "File", linkpath: "b" }]),
    "a file is also a link",
  ],
  [
    "with attributes over 64 KiB",
    tarOf([pax(`comment=${"x".repeat(70_000)}`), { path: "a" }]),
    "the attributes of an entry are too long",
  ],
  [
    "with an infinite file",
    tarOf([pax("size=Infinity"), { path: "a" }]),
    "the size of an entry is no number of bytes",
  ],
])("an archive %s is refused", (_name, archive, reason) => {
  expect(() => read(archive)).toThrow(reason);
});
