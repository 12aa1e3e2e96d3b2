import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemReason } from "./system-reason.ts";

const withFields = (fields: object): Error => Object.assign(new Error("at /secret/path"), fields);

it.each([
  [{ code: "ENOSPC", errno: -28 }, "the disk is full (ENOSPC)"],
  [{ code: "EROFS", errno: -30 }, "the file system is read-only (EROFS)"],
  [{ code: "EACCES", errno: -13 }, "Lever's user has no permission (EACCES)"],
  [{ code: "ENOTDIR", errno: -20 }, "a file is in the place of a folder (ENOTDIR)"],
  [{ code: "ELOOP", errno: -40 }, "the system refused it (ELOOP)"],
  [{ code: "ERR_SQLITE_ERROR", errcode: 13 }, "the disk is full"],
  [{ code: "ERR_SQLITE_ERROR", errcode: 778 }, "the disk reports errors"],
  [{ code: "ERR_SQLITE_ERROR", errcode: 1 }, "SQLite reports error 1"],
])("the reason of %j has no path", (fields, reason) => {
  expect(systemReason(withFields(fields))).toBe(reason);
});

it("an error of another kind has no reason of the system", () => {
  expect(systemReason(new Error("no"))).toBeUndefined();
  expect(systemReason(withFields({ code: "ERR_INVALID_ARG" }))).toBeUndefined();
  expect(systemReason("ENOSPC")).toBeUndefined();
});

it("an error of Node's file functions has a reason of the system", () => {
  const dir = mkdtempSync(join(tmpdir(), "lever-reason-"));
  try {
    readFileSync(dir);
  } catch (error) {
    expect(systemReason(error)).toBe("a folder is in the place of a file (EISDIR)");
  } finally {
    rmSync(dir, { recursive: true });
  }
  expect.assertions(1);
});
