import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { systemErrorOf } from "./file-denial.ts";

function denial(permission: string, resource: string): Error {
  const fields = { code: "ERR_ACCESS_DENIED", permission, resource };
  return Object.assign(new Error("Use --allow-fs-read to manage permissions."), fields);
}

const WRITABLE = ["/data", "/tmp"];
const HIDDEN = "it is outside the folders that a service in process isolation sees";
const READ_ONLY = "a service in process isolation writes only below /data and /tmp";
const FORBIDDEN = "a service may do this in containers, and not in process isolation";

it.each([
  [
    "a hidden file",
    denial("FileSystemRead", "/a"),
    { syscall: "stat", path: "/a" },
    `ENOENT: no such file or directory, stat '/a' (${HIDDEN})`,
  ],
  [
    "a relative path",
    denial("FileSystemRead", "/data/a"),
    { syscall: "open", path: "./a" },
    `ENOENT: no such file or directory, open './a' (${HIDDEN})`,
  ],
  [
    "a URL",
    denial("FileSystemRead", "/a b"),
    { syscall: "open", path: pathToFileURL("/a b") },
    `ENOENT: no such file or directory, open '/a b' (${HIDDEN})`,
  ],
  [
    "a write",
    denial("FileSystemWrite", "/usr/a"),
    { syscall: "mkdir", path: "/usr/a" },
    `EACCES: permission denied, mkdir '/usr/a' (${READ_ONLY})`,
  ],
  [
    "a hidden source",
    denial("FileSystemRead", "/a"),
    { syscall: "copyfile", path: "/a", dest: "/tmp/b" },
    `ENOENT: no such file or directory, copyfile '/a' -> '/tmp/b' (${HIDDEN})`,
  ],
  [
    "a hidden destination",
    denial("FileSystemRead", "/b"),
    { syscall: "cp", path: "/tmp/a", dest: "/b" },
    `EACCES: permission denied, cp '/tmp/a' -> '/b' (${READ_ONLY})`,
  ],
  [
    "a disabled function of files",
    denial("", ""),
    { syscall: "symlink", path: "/tmp/a", dest: "/tmp/b" },
    `EACCES: permission denied, symlink '/tmp/a' -> '/tmp/b' (${FORBIDDEN})`,
  ],
  [
    "another permission",
    denial("Inspector", "StartIoThread"),
    { syscall: "open", path: undefined },
    `EACCES: permission denied, open (${FORBIDDEN})`,
  ],
])("a refusal of %s has the system's error", (_, error, call, message) => {
  const systemError = systemErrorOf(error, call, WRITABLE);
  const [code] = message.split(":");
  expect(systemError).toMatchObject({
    message,
    code,
    errno: code === "ENOENT" ? -2 : -13,
    syscall: call.syscall,
    stack: `Error: ${message}`,
  });
});

it("an error that is no refusal stays", () => {
  const error = Object.assign(new Error("x"), { code: "ENOENT" });
  expect(systemErrorOf(error, { syscall: "stat", path: "/a" }, WRITABLE)).toBe(undefined);
});
