import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { firstUid, isServiceUser, type Notes, ServiceUsers } from "./service-users.ts";

class MemoryNotes implements Notes {
  readonly values: Map<string, string> = new Map();

  async read(name: string): Promise<string | undefined> {
    return this.values.get(name);
  }

  async write(name: string, value: string): Promise<void> {
    this.values.set(name, value);
  }
}

let dataDir: string;
let notes: MemoryNotes;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "lever-service-users-"));
  notes = new MemoryNotes();
  for (const name of ["code/1", "services/dev"])
    mkdirSync(join(dataDir, name), { recursive: true });
});

afterEach(() => rmSync(dataDir, { recursive: true }));

function serviceDir(name: string): string {
  const dir = join(dataDir, "services", "dev", name);
  mkdirSync(dir, { recursive: true });
  return dir;
}

const open = (): Promise<ServiceUsers> => ServiceUsers.open(dataDir, notes);
const codeDir = (): string => join(dataDir, "code", "1");

it("a host with the same data folder starts with the same number, above every account", () => {
  expect(firstUid(dataDir)).toBe(firstUid(dataDir));
  expect(isServiceUser(firstUid(dataDir))).toBe(true);
  expect(isServiceUser(65_534)).toBe(false);
});

describe("S1: no two services ever have the same user", { tags: ["needs-root"] }, () => {
  it("each service gets the next number, which is written down first", async () => {
    const users = await open();
    const first = firstUid(dataDir);
    expect(await users.userFor(serviceDir("a"), codeDir())).toEqual({ uid: first, gid: first });
    expect((await users.userFor(serviceDir("b"), codeDir())).uid).toBe(first + 1);
    expect([...notes.values.values()]).toEqual([String(first + 1)]);
  });

  it("a number that cannot be written down is not used", async () => {
    const users = await open();
    notes.write = () => Promise.reject(new Error("disk full"));
    const dir = serviceDir("a");
    await expect(users.userFor(dir, codeDir())).rejects.toThrow("disk full");
    expect(isServiceUser(statSync(dir).uid)).toBe(false);
  });

  it("instances that start at the same time get the same user for their service", async () => {
    const users = await open();
    const dir = serviceDir("a");
    const [one, two] = await Promise.all([1, 2].map(() => users.userFor(dir, codeDir())));
    expect(one).toEqual(two);
  });

  it("a service keeps its user over a restart of the host", async () => {
    const before = await (await open()).userFor(serviceDir("a"), codeDir());
    expect(await (await open()).userFor(serviceDir("a"), codeDir())).toEqual(before);
  });

  it("the user of a removed service is not assigned again", async () => {
    const before = await (await open()).userFor(serviceDir("a"), codeDir());
    rmSync(serviceDir("a"), { recursive: true });
    const after = await (await open()).userFor(serviceDir("b"), codeDir());
    expect(after.uid).toBe(before.uid + 1);
  });

  it("a folder that was copied with its owner gets a user of its own", async () => {
    const users = await open();
    const before = await users.userFor(serviceDir("a"), codeDir());
    const copy = serviceDir("copy");
    chownSync(copy, before.uid, before.gid);
    expect((await users.userFor(copy, codeDir())).uid).toBe(before.uid + 1);
  });
});

describe("S2: a service's user reads its code and writes its data", {
  tags: ["needs-root"],
}, () => {
  it("everything in the data folder belongs to the user, and links are not followed", async () => {
    const users = await open();
    const dir = serviceDir("a");
    const outside = join(dataDir, "outside");
    writeFileSync(outside, "");
    mkdirSync(join(dir, "sub"));
    writeFileSync(join(dir, "sub", "file"), "");
    symlinkSync(outside, join(dir, "link"));
    const { uid } = await users.userFor(dir, codeDir());
    for (const path of [dir, join(dir, "sub"), join(dir, "sub", "file")]) {
      expect(statSync(path).uid).toBe(uid);
    }
    expect(statSync(outside).uid).toBe(0);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  it("the code belongs to root and is readable for the user's group", async () => {
    const users = await open();
    const { gid } = await users.userFor(serviceDir("a"), codeDir());
    const { uid: owner, gid: group, mode } = statSync(codeDir());
    expect([owner, group, mode & 0o777]).toEqual([0, gid, 0o750]);
  });

  it("folders above code and data can be entered but not listed", async () => {
    await open();
    for (const name of ["", "code", "services", "services/dev"]) {
      expect(statSync(join(dataDir, name)).mode & 0o077).toBe(0o011);
    }
  });
});
