import { createHash, createHmac } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits, type KeptFiles } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ArchiveEntry, archiveOf } from "../../../../tests/harness/archive.ts";
import type { Store, VersionRecord } from "../store/store.ts";
import { CodeStore } from "./code-store.ts";
import { KeptVersions } from "./kept-files.ts";

const ENVIRONMENT = "dev.lever";
const limits = { ...defaultLimits, unpackedBytesMax: 20_000_000, archiveEntriesMax: 100 };
const live = { service: "svc", version: 7 };
const large = Buffer.alloc(3_000_000, "large ");
const first: readonly ArchiveEntry[] = [
  { path: "lever.json", body: "{}" },
  { path: "lib/a.js", body: "a" },
  { path: "lib/b.js", body: "b" },
  { path: "lib/large.bin", body: large },
  { path: "empty", body: "" },
  { path: "to-a", type: "SymbolicLink", linkpath: "lib/a.js" },
];

let folder: string;
let code: CodeStore;
let versions: KeptVersions;
let codeId: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "lever-kept-"));
  code = new CodeStore(folder, limits);
  codeId = await received(first);
  const record = { environment: ENVIRONMENT, ...live, codeId };
  const store: Pick<Store, "versions"> = {
    versions: async (of) => (of === ENVIRONMENT ? [record as VersionRecord] : []),
  };
  versions = new KeptVersions({ store, code, limits });
});

afterEach(() => rmSync(folder, { recursive: true }));

async function received(entries: readonly ArchiveEntry[]): Promise<string> {
  async function* upload(): AsyncGenerator<Buffer> {
    yield archiveOf(entries);
  }
  return (await code.receive(upload())).codeId;
}

function digest(content: string | Buffer, environment = ENVIRONMENT): string {
  return createHmac("sha256", versions.saltOf(environment)).update(content).digest("base64url");
}

const keep = (path: string, content: string | Buffer): KeptFiles["files"][number] => ({
  path,
  isExecutable: false,
  digest: digest(content),
});

/** Adds kept files to an archive, and unpacks it. */
async function unpacked(
  sent: readonly ArchiveEntry[],
  files: KeptFiles["files"],
  kept = live,
): Promise<string> {
  const id = await received(sent);
  await versions.addTo(id, ENVIRONMENT, { ...kept, files });
  await code.unpack(id, async () => {});
  return join(folder, "code", id);
}

describe("a search for kept files", () => {
  it("finds those whose contents a version has (V1)", async () => {
    const digests = ["x", "b", large, "", "a"].map((content) => digest(content));
    expect(await versions.find(ENVIRONMENT, live, digests)).toEqual([1, 2, 4]);
  });

  it("finds none by digests that need no content or no key of this host (V1)", async () => {
    const plain = createHash("sha256").update("a").digest("base64url");
    const other = digest("a", "other.lever");
    expect(await versions.find(ENVIRONMENT, live, [plain, other, "", "a"])).toEqual([]);
  });

  it.each([
    ["another version", ENVIRONMENT, { ...live, version: 8 }],
    ["another service", ENVIRONMENT, { ...live, service: "other" }],
    ["another environment", "other.lever", live],
  ])("finds none of %s (V2)", async (_, environment, version) => {
    expect(await versions.find(environment, version, [digest("a", environment)])).toEqual([]);
  });

  it("finds none when the archive is gone", async () => {
    await code.remove(codeId);
    expect(await versions.find(ENVIRONMENT, live, [digest("a")])).toEqual([]);
  });
});

describe("an archive with kept files", () => {
  it("has them at their new paths and modes, beside what was sent (V3)", async () => {
    const path = `${"long-name/".repeat(20)}c.js`;
    const files = [
      { ...keep("run", "a"), isExecutable: true },
      keep("also", "a"),
      keep(path, "b"),
      keep("large.bin", large),
    ];
    const at = await unpacked([{ path: "lever.json", body: "{}" }], files);
    const texts = ["run", "also", path].map((name) => readFileSync(join(at, name), "utf8"));
    expect(texts).toEqual(["a", "a", "b"]);
    expect(readFileSync(join(at, "large.bin")).equals(large)).toBe(true);
    const modes = ["run", "also"].map((name) => statSync(join(at, name)).mode & 0o777);
    expect(modes).toEqual([0o755, 0o644]);
    expect(readFileSync(join(at, "lever.json"), "utf8")).toBe("{}");
  });

  it("needs nothing of the earlier version any more (V3)", async () => {
    const at = await unpacked([{ path: "lever.json", body: "{}" }], [keep("a", "a")]);
    await code.discard(codeId);
    rmSync(at, { recursive: true });
    const id = at.slice(at.lastIndexOf("/") + 1);
    const again = await code.codeDirOf({ codeId: id }, async () => {});
    expect(readFileSync(join(again, "a"), "utf8")).toBe("a");
    expect(existsSync(join(folder, "archives", `${id}.tar.gz`))).toBe(false);
  });

  it("has what was sent where both have a file", async () => {
    const at = await unpacked([{ path: "a", body: "sent" }], [keep("a", "a")]);
    expect(readFileSync(join(at, "a"), "utf8")).toBe("sent");
  });

  it.each(["../out", "/tmp/out", "a/../../out"])("is refused with the path %s", async (path) => {
    await expect(unpacked([], [keep(path, "a")])).rejects.toMatchObject({
      code: "invalid_archive",
    });
  });

  it("is refused with more bytes than its limit", async () => {
    const files = Array.from({ length: 8 }, (_, index) => keep(`large-${index}`, large));
    await expect(unpacked([], files)).rejects.toThrow("more than 20000000 bytes");
  });

  it("is refused when the host does not have a file, or too many are named", async () => {
    const lost = { code: "conflict" };
    await expect(unpacked([], [keep("a", "a"), keep("x", "x")])).rejects.toMatchObject(lost);
    const other = { ...live, version: 6 };
    await expect(unpacked([], [keep("a", "a")], other)).rejects.toMatchObject(lost);
    const many = Array.from({ length: 101 }, (_, index) => keep(`${index}`, "a"));
    await expect(unpacked([], many)).rejects.toMatchObject(lost);
  });
});
