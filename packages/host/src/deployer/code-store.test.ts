import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serviceArchive } from "../../../../tests/harness/archive.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite-store.ts";
import { CodeStore } from "./code-store.ts";

const archive = serviceArchive({ "lever.json": "{}" });
const limits = { ...defaultLimits, archiveBytesMax: archive.length };

let folder: string;
let store: SqliteStore;
let code: CodeStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "lever-code-"));
  store = openSqliteStore(join(folder, "lever.sqlite"));
  code = new CodeStore(folder, limits);
  await code.open(store.notes, await store.codeIds());
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

/** The names in the folders of code. */
const kept = (): string[] =>
  ["staging", "archives", "code"].flatMap((name) =>
    readdirSync(join(folder, name)).map((file) => `${name}/${file}`),
  );

async function* uploadOf(chunks: readonly unknown[]): AsyncGenerator<unknown> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk;
    yield chunk;
  }
}

const receive = async (...chunks: unknown[]): Promise<string> =>
  (await code.receive(uploadOf(chunks))).codeId;

/** Receives an archive that may be unpacked meanwhile. */
const receiveWhole = async (...chunks: unknown[]): Promise<string> =>
  (await code.receive(uploadOf(chunks), true)).codeId;

describe("an archive", () => {
  it.each<[string, unknown[], string | RegExp]>([
    ["that is too large", [archive, new Uint8Array(1)], "it has more than"],
    ["that breaks off", [archive, new Error("The caller left.")], "The caller left."],
    ["with a message that is not bytes", [archive, "text"], "a message is not bytes"],
  ])("an archive %s leaves nothing", async (_, chunks, reason) => {
    for (const receives of [receive, receiveWhole]) {
      await expect(receives(...chunks)).rejects.toThrow(reason);
      expect(kept()).toEqual([]);
    }
  });
});

describe("an archive that is unpacked while it arrives", () => {
  const pieces = [archive.subarray(0, 30), archive.subarray(30, 70), archive.subarray(70)];

  it("is complete when it has arrived", async () => {
    const codeId = await receiveWhole(...pieces);
    expect(kept()).toEqual([`staging/${codeId}.early`, `archives/${codeId}.tar.gz`]);
    const names = await code.unpack(codeId, async ({ folder: code }) => readdirSync(code));
    expect(names).toEqual(["lever.json"]);
    expect(kept()).toEqual([`archives/${codeId}.tar.gz`, `code/${codeId}`]);
  });

  it("is one at a time", async () => {
    const ids = await Promise.all([receiveWhole(...pieces), receiveWhole(...pieces)]);
    expect(kept().filter((path) => path.startsWith("staging/"))).toHaveLength(1);
    for (const codeId of ids) await code.unpack(codeId, async () => {});
    expect(kept().filter((path) => path.startsWith("code/"))).toHaveLength(2);
  });

  it("and is damaged is refused when it is unpacked again", async () => {
    const codeId = await receiveWhole(Buffer.from("no archive"));
    expect(kept()).toEqual([`archives/${codeId}.tar.gz`]);
    await expect(code.unpack(codeId, async () => {})).rejects.toThrow("Cannot unpack the archive");
  });

  it("is removed with its deploy", async () => {
    await code.discard(await receiveWhole(...pieces));
    expect(kept()).toEqual([]);
  });
});

describe("unpacked code", () => {
  it("has its name once it is complete (K1)", async () => {
    const codeId = await receive(archive);
    const target = join(folder, "code", codeId);
    const during = await code.unpack(codeId, async ({ folder: incomplete }) => [
      existsSync(target),
      existsSync(join(incomplete, "lever.json")),
    ]);
    expect([...during, existsSync(target)]).toEqual([false, true, true]);
  });

  it("that cannot be completed is removed", async () => {
    const codeId = await receive(archive);
    const unpacking = code.unpack(codeId, async () => {
      throw new Error("It is no service.");
    });
    await expect(unpacking).rejects.toThrow("It is no service.");
    expect(kept()).toEqual([`archives/${codeId}.tar.gz`]);
  });

  it("that could not be completed is unpacked again at the next start", async () => {
    const codeId = await receive(archive);
    const failing = code.codeDirOf({ codeId }, async () => {
      throw new Error("Not now.");
    });
    await expect(failing).rejects.toThrow("Not now.");
    expect(await code.codeDirOf({ codeId }, async () => {})).toBe(join(folder, "code", codeId));
  });

  it("of a deploy that failed is removed together with its archive", async () => {
    const codeId = await receive(archive);
    await code.codeDirOf({ codeId }, async () => {});
    await code.discard(codeId);
    expect(kept()).toEqual([]);
  });

  it("that no version needs is removed when the host starts (K2)", async () => {
    const codeId = await receive(archive);
    await code.unpack(codeId, async () => {});
    await code.open(store.notes, await store.codeIds());
    expect(kept()).toEqual([]);
  });
});
