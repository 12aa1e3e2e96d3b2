import { mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { nodePermissions } from "./node-permissions.ts";

function permissions(dataDir: string, systemTemporaryDir = "/var/tmp") {
  const { args, temporaryDir } = nodePermissions(dataDir, join(dataDir, "runtime"), {
    systemTemporaryDir,
    exists: () => true,
  });
  const values = (flag: string): string[] =>
    args.filter((arg) => arg.startsWith(`${flag}=`)).map((arg) => arg.slice(flag.length + 1));
  return {
    args,
    temporaryDir,
    read: values("--allow-fs-read"),
    written: values("--allow-fs-write"),
  };
}

it("a runtime writes services' data and temporary files only", () => {
  expect(permissions("/var/lib/lever").written).toEqual([
    "/var/lib/lever/services/*",
    "/var/tmp",
    "/tmp",
    "/dev/null",
  ]);
});

it("a runtime reads code, its program and what it writes, but no other folder of Lever", () => {
  const { read } = permissions("/var/lib/lever");
  expect(read.filter((path) => path.startsWith("/var/lib/lever"))).toEqual([
    "/var/lib/lever/services/*",
    "/var/lib/lever/code/*",
    "/var/lib/lever/runtime",
  ]);
  expect(read).toEqual(expect.arrayContaining(["/usr", "/etc/ssl", "/tmp", "/proc/self/status"]));
});

it("no path leads to other processes, people, or the whole of /etc and /proc", () => {
  const { read } = permissions("/var/lib/lever");
  for (const path of [
    "/",
    "/etc",
    "/etc/shadow",
    "/proc",
    "/proc/self",
    "/root",
    "/home",
    "/var",
  ]) {
    expect(read).not.toContain(path);
  }
});

it.each([
  ["/opt/lever", "/opt"],
  ["/usr/local/lever", "/usr"],
  ["/tmp/lever", "/tmp"],
])("with Lever's data at %s, runtimes may not read all of %s", (dataDir, folder) => {
  const { read, written } = permissions(dataDir);
  expect([...read, ...written]).not.toContain(folder);
});

it("a folder whose name is the start of the data folder's name stays readable", () => {
  expect(permissions("/opt2/lever").read).toContain("/opt");
});

it("temporary files are in the data folder when that is inside the system's temporary folder", () => {
  expect(permissions("/var/tmp/lever").temporaryDir).toBe("/var/tmp/lever/tmp");
  expect(permissions("/var/lib/lever").temporaryDir).toBe("/var/tmp");
});

it("a temporary folder that is a link may be written by both of its names", () => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "lever-permissions-")));
  const link = join(dir, "link");
  symlinkSync("/var/tmp", link);
  const { written } = permissions("/var/lib/lever", link);
  rmSync(dir, { recursive: true });
  expect(written).toEqual(expect.arrayContaining([link, "/var/tmp"]));
});

it("paths that do not exist are left out, because Node refuses to start with them", () => {
  const { args } = nodePermissions("/missing", "/missing/runtime");
  expect(args.filter((arg) => arg.includes("missing"))).toEqual([]);
});

it("child processes, workers, addons and the network stay allowed", () => {
  const { args } = permissions("/var/lib/lever");
  expect(args).toEqual(
    expect.arrayContaining(["--permission", "--allow-child-process", "--allow-worker"]),
  );
  if (process.allowedNodeEnvironmentFlags.has("--allow-net")) expect(args).toContain("--allow-net");
});
