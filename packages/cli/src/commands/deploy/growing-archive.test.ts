import { expect, it } from "vitest";
import { GrowingArchive } from "./growing-archive.ts";

async function readAll(archive: GrowingArchive): Promise<string> {
  let text = "";
  for await (const chunk of archive.read()) text += chunk.toString();
  return text;
}

it("a reader gets what was packed before, and what is packed later", async () => {
  const archive = new GrowingArchive();
  archive.add(Buffer.from("a"));
  const read = readAll(archive);
  await Promise.resolve();
  archive.add(Buffer.from("b"));
  archive.add(Buffer.from("c"));
  archive.complete();
  expect([await read, archive.bytes, archive.isComplete]).toEqual(["abc", 3, true]);
});

it("a second reader gets everything again", async () => {
  const archive = new GrowingArchive();
  archive.add(Buffer.from("a"));
  archive.complete();
  expect([await readAll(archive), await readAll(archive)]).toEqual(["a", "a"]);
});

it("a reader gets the error of an archive that cannot be packed", async () => {
  const archive = new GrowingArchive();
  const read = readAll(archive);
  archive.fail(new Error("a.js changed"));
  await expect(read).rejects.toThrow("a.js changed");
});
