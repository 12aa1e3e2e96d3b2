import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { closedFolder, tryUsers, usersMissing } from "./user-support.ts";

let dir: string;
let dataDir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-user-support-"));
  chmodSync(dir, 0o755);
  dataDir = join(dir, "data");
  mkdirSync(dataDir, { mode: 0o700 });
});

afterEach(() => rmSync(dir, { recursive: true }));

describe("the folder that closes a path to other users", () => {
  it("is the path itself, where it is closed", () => {
    expect(closedFolder(dataDir)).toBe(dataDir);
  });

  it("is the nearest closed folder above the path", () => {
    chmodSync(dataDir, 0o755);
    chmodSync(dir, 0o750);
    expect(closedFolder(dataDir)).toBe(dir);
  });

  it("is none, where every folder above may be passed through", () => {
    chmodSync(dataDir, 0o711);
    expect(closedFolder(dataDir)).toBeUndefined();
  });

  it("ignores folders that do not exist yet", () => {
    expect(closedFolder(join(dir, "missing", "data"))).toBeUndefined();
  });
});

it("services have no users of their own when Lever does not run as root", async () => {
  using _ = vi.spyOn(process, "getuid").mockReturnValue(1_000);
  expect(usersMissing(dataDir)).toBe("Lever does not run as root");
  expect(await tryUsers(dataDir)).toBe("Lever does not run as root");
});

describe("services have users of their own when Lever runs as root", {
  tags: ["needs-root"],
}, () => {
  it("and other users reach the data folder, which a trial opens for passing through only", async () => {
    expect(usersMissing(dataDir)).toBeUndefined();
    expect(await tryUsers(dataDir)).toBeUndefined();
    expect(statSync(dataDir).mode & 0o777).toBe(0o711);
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it("unless a folder above the data folder is closed, which is named", async () => {
    chmodSync(dir, 0o700);
    expect(usersMissing(dataDir)).toContain(`cannot pass through ${dir} `);
    expect(await tryUsers(dataDir)).toContain(`cannot pass through ${dir} `);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(existsSync(dataDir)).toBe(true);
  });
});
