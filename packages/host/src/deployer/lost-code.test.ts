import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits } from "@leveros/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { testService } from "../../../../tests/harness/test-service.ts";
import type { Archives } from "./archives.ts";
import { CodeStore } from "./code-store.ts";

let dir: string;
let code: CodeStore;
let codeId: string;
let completed: number;

/** Opens a code store for a state that names these codes. */
async function open(codeIds: readonly string[] = [], shared?: Archives): Promise<CodeStore> {
  const opened = new CodeStore(dir, defaultLimits, shared);
  await opened.open({ read: async () => undefined, write: async () => {} }, new Set(codeIds));
  return opened;
}

async function* chunksOf(archive: Buffer): AsyncGenerator<Buffer> {
  yield archive;
}

const codeDir = (): Promise<string> => code.codeDirOf({ codeId }, async () => void completed++);
const archive = (): string => join(dir, "archives", `${codeId}.tar.gz`);

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "lever-code-"));
  completed = 0;
  code = await open();
  const received = await code.receive(
    chunksOf(testService("exports.a = () => 1;", { name: "abc" })),
  );
  codeId = received.codeId;
});
afterEach(() => rmSync(dir, { recursive: true }));

it("code is unpacked once, also for several starts at a time", async () => {
  const [first, second] = await Promise.all([codeDir(), codeDir()]);
  expect(second).toBe(first);
  await codeDir();
  expect(completed).toBe(1);
});

it.each([
  ["the folder of the version", () => rmSync(join(dir, "code", codeId), { recursive: true })],
  ["its lever.json", () => rmSync(join(dir, "code", codeId, "lever.json"))],
  [
    "code/ and staging/",
    () => {
      for (const name of ["code", "staging"]) rmSync(join(dir, name), { recursive: true });
    },
  ],
])("code is made again when %s has vanished", async (_, vanish) => {
  await codeDir();
  vanish();
  expect(readdirSync(await codeDir()).sort()).toEqual(["lever.json", "server.js"]);
  expect(completed).toBe(2);
});

it("code without its archive is an error without paths", async () => {
  rmSync(archive());
  await expect(codeDir()).rejects.toThrow("its code and its archive are missing");
  await expect(codeDir()).rejects.not.toThrow(dir);
});

it("an archive that the store does not name is set aside at a start, and taken back (K3)", async () => {
  code = await open();
  expect([existsSync(archive()), await code.removedNames()]).toEqual([false, [`${codeId}.tar.gz`]]);
  code = await open([codeId]);
  expect([existsSync(archive()), await code.removedNames()]).toEqual([true, []]);
  await codeDir();
});

it("an archive of a removed version is set aside, and one of a failed deploy deleted", async () => {
  await code.remove(codeId);
  expect(await code.removedNames()).toEqual([`${codeId}.tar.gz`]);
  await code.remove(codeId);
  await code.deleteRemoved(await code.removedNames());
  const failed = await code.receive(chunksOf(Buffer.from("x")));
  await code.discard(failed.codeId);
  expect([readdirSync(join(dir, "archives")), await code.removedNames()]).toEqual([[], []]);
});

it("an archive that other hosts have is fetched when this host needs it", async () => {
  const stored = new Map<string, Buffer>();
  const shared: Archives = {
    store: async (id, file) => void stored.set(id, readFileSync(file)),
    async fetch(id, file) {
      const bytes = stored.get(id);
      if (bytes !== undefined) writeFileSync(file, bytes);
      return bytes !== undefined;
    },
  };
  code = await open([codeId], shared);
  await code.share(codeId);
  rmSync(archive());
  expect(readdirSync(await codeDir()).sort()).toEqual(["lever.json", "server.js"]);
  expect(existsSync(archive())).toBe(true);
  stored.clear();
  for (const path of [archive(), join(dir, "code", codeId)]) rmSync(path, { recursive: true });
  await expect(codeDir()).rejects.toThrow("its code and its archive are missing");
  expect(readdirSync(join(dir, "staging"))).toEqual([]);
});
