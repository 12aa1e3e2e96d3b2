import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const SERVICE = `
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const { Worker } = require("node:worker_threads");
const attempt = (work) => { try { work(); return "done"; } catch (error) { return error.code ?? "failed"; } };
const status = (name) => new RegExp("^" + name + ":\\\\s*(.*)$", "m").exec(fs.readFileSync("/proc/self/status", "utf8"))[1];
exports.look = () => ({
  user: [process.getuid(), process.geteuid()],
  groups: [process.getgid(), process.getegid(), ...process.getgroups()],
  capabilities: status("CapEff"),
  noNewPrivileges: status("NoNewPrivs"),
  core: /^Max core file size\\s+(\\S+)\\s+(\\S+)/m.exec(fs.readFileSync("/proc/self/limits", "utf8")).slice(1),
  code: __dirname,
  data: process.env.LEVEROS_DATA_DIR,
  temporary: require("node:os").tmpdir(),
});
exports.become = (uid) => attempt(() => process.setuid(uid));
exports.read = (path) => attempt(() => fs.statSync(path).isDirectory() ? fs.readdirSync(path) : fs.readFileSync(path));
exports.write = (path) => attempt(() => fs.writeFileSync(path, "x"));
exports.ask = (path) => attempt(() => execFileSync("/bin/sh", ["-c", 'if [ -d "$1" ]; then ls "$1"; else cat "$1"; fi', "sh", path], { stdio: "pipe" }));
exports.work = () => new Promise((resolve) => new Worker('require("node:worker_threads").parentPort.postMessage(require("./part.cjs"))', { eval: true }).on("message", resolve));
exports.meet = async () => (await import("leveros")).Client.name + require("dependency") + (await import("./typed.ts")).number;
exports.node = () => execFileSync(process.env.NODE_PROGRAM, ["-p", "1 + 1"], { encoding: "utf8" });
exports.eat = async () => { for (const held = []; ; await new Promise(setImmediate)) held.push(Buffer.alloc(4e6, 1)); };
exports.feed = () => new Promise((_, reject) => require("node:child_process").execFile("/bin/sh", ["-c", "x=0123456789abcdef; while :; do x=$x$x; done"], reject));
`;

const isRoot = process.getuid?.() === 0;
const FIRST_UID = 0x7f10_0000;
/** Of nobody in particular. */
const OTHER_UID = 54_321;

function archive(name: string): Buffer {
  return serviceArchive({
    "lever.json": JSON.stringify({ name, jsEntry: "server.js" }),
    "server.js": SERVICE,
    "part.cjs": 'module.exports = "part";',
    "typed.ts": "export const number: number = 3;",
    "node_modules/dependency/index.js": "module.exports = 2;",
  });
}

async function deploy(lever: RunningLever, name: string, environment?: string): Promise<void> {
  const { status, text } = await deployArchive(lever.address, archive(name), environment);
  expect(status, text).toBe(200);
}

interface Look {
  readonly user: number[];
  readonly groups: number[];
  readonly code: string;
  readonly data: string;
  readonly temporary: string;
}

function serviceOf(lever: RunningLever, name: string, environment = "dev.lever") {
  return new Client({ forceHost: lever.address }).service(environment, name);
}

const lookAt = async (lever: RunningLever, name: string, environment?: string): Promise<Look> =>
  (await serviceOf(lever, name, environment).invoke("look")) as Look;

/** What a host keeps, and no service may read. */
function kept(lever: RunningLever): string[] {
  const archives = join(lever.dataDir, "archives");
  const [archived = ""] = readdirSync(archives);
  const files = [
    "lever.sqlite",
    "lever.sqlite-wal",
    "secret.key",
    "archives",
    "staging",
    "processes",
  ];
  return [
    ...files.map((name) => join(lever.dataDir, name)),
    join(archives, archived),
    lever.dataDir,
  ];
}

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  for (const name of ["first", "second"]) await deploy(lever, name);
  const set = await lever.lever(["secret", "set", "TOKEN"], { input: "x\n" });
  expect(set.status, set.stderr).toBe(0);
  await lever.lever(["var", "set", `NODE_PROGRAM=${process.execPath}`]);
}, 30_000);

afterAll(() => lever.stop());

describe("a service that runs as a process", () => {
  it("has a user of its own where Lever is root, no privileges, and no way to more", async () => {
    const first = await lookAt(lever, "first");
    const uid = isRoot ? first.user[0] : process.getuid?.();
    expect(first).toMatchObject({
      user: [uid, uid],
      noNewPrivileges: "1",
      core: ["0", "0"],
      capabilities: "0000000000000000",
    });
    expect(lever.output()).toContain(isRoot ? '"users":"own"' : '"users":"shared"');
    if (isRoot) {
      expect(uid).toBeGreaterThanOrEqual(FIRST_UID);
      expect(new Set(first.groups)).toEqual(new Set([uid]));
      expect((await lookAt(lever, "second")).user[0]).not.toBe(uid);
    }
    expect(await serviceOf(lever, "first").invoke("become", 0)).toBe("EPERM");
  });

  it("reads nothing that the host keeps", async () => {
    const service = serviceOf(lever, "first");
    for (const path of kept(lever)) {
      expect(await service.invoke("read", path), path).toBe("ERR_ACCESS_DENIED");
      // Other programs are outside the fence: only a user of its own stops them.
      if (isRoot) expect(await service.invoke("ask", path), path).toBe("failed");
    }
    for (const path of ["/root", "/proc/self/environ", "/proc/self/root/etc", "/etc/shadow"]) {
      expect(await service.invoke("read", path), path).toBe("ERR_ACCESS_DENIED");
    }
  });

  it("writes its own data and temporary files, and neither its code nor anything else", async () => {
    const service = serviceOf(lever, "first");
    const { code, data, temporary } = await lookAt(lever, "first");
    expect(await service.invoke("write", join(data, "x"))).toBe("done");
    expect(await service.invoke("write", join(temporary, "x"))).toBe("done");
    expect(await service.invoke("read", join(code, "server.js"))).toBe("done");
    for (const path of [join(code, "server.js"), join(lever.dataDir, "x"), "/usr/x", "/var/x"]) {
      expect(await service.invoke("write", path), path).toBe("ERR_ACCESS_DENIED");
    }
  });

  it("does what services do: programs, threads, packages, TypeScript", async () => {
    const service = serviceOf(lever, "first");
    expect(await service.invoke("ask", "/etc/passwd")).toBe("done");
    expect(await service.invoke("work")).toBe("part");
    expect(await service.invoke("meet")).toBe("Client23");
    expect(await service.invoke("node")).toBe("2\n");
  });

  it("reads and writes nothing of another service, where Lever is root", async () => {
    const service = serviceOf(lever, "first");
    const other = await lookAt(lever, "second");
    await serviceOf(lever, "second").invoke("write", join(other.data, "own"));
    const outcome = isRoot ? "EACCES" : "done";
    for (const path of [
      other.data,
      join(other.data, "own"),
      other.code,
      join(other.code, "server.js"),
    ]) {
      expect(await service.invoke("read", path), path).toBe(outcome);
      expect(await service.invoke("ask", path), path).toBe(isRoot ? "failed" : "done");
    }
    expect(await service.invoke("write", join(other.data, "own"))).toBe(outcome);
  });

  it.each(["eat", "feed"])(
    "that needs more memory than it has is ended, and everybody hears of it: %s",
    async (method) => {
      const limit =
        /more memory than the 128 MB that [\\"]+ram[\\"]+ allots it \(it had \d+\.\d MB\)/;
      await expect(serviceOf(lever, "second").invoke(method)).rejects.toThrow(limit);
      const events = await lever.lever(["events", "second", "--json"]);
      const failed = events.stdout
        .split("\n")
        .filter((line) => line.includes("instance failed"))
        .map((line) => JSON.parse(line) as { instance: string; reason: string })
        .at(-1);
      expect(failed?.reason).toMatch(limit);
      const why = await lever.lever(["why", failed?.instance ?? ""]);
      expect(why.stdout).toMatch(limit);
    },
    20_000,
  );
});

it("the users of services stay theirs over restarts, and are never given to another", async () => {
  await using host = await startLever();
  const made = await host.lever(["env", "create", "other.lever"]);
  expect(made.status, made.stderr).toBe(0);
  await deploy(host, "stays");
  await deploy(host, "goes", "other.lever");
  const stays = await lookAt(host, "stays");
  const goes = await lookAt(host, "goes", "other.lever");
  await serviceOf(host, "stays").invoke("write", join(stays.data, "kept"));
  const removed = await host.lever(["env", "rm", "other.lever", "--force"]);
  expect(removed.status, removed.stderr).toBe(0);
  await host.kill();
  await using again = await startLever({ dataDir: host.dataDir });
  await deploy(again, "comes");
  expect((await lookAt(again, "stays")).user).toEqual(stays.user);
  expect(await serviceOf(again, "stays").invoke("read", join(stays.data, "kept"))).toBe("done");
  const comes = await lookAt(again, "comes");
  const users = new Set([stays, goes, comes].map(({ user }) => user[0]));
  expect(users.size).toBe(isRoot ? 3 : 1);
}, 30_000);

it("a host that is not root keeps its files by Node's permission model, and says that users are shared", async () => {
  await using host = await startLever(isRoot ? { uid: OTHER_UID } : {});
  await deploy(host, "first");
  await host.lever(["secret", "set", "TOKEN"], { input: "x\n" });
  const service = serviceOf(host, "first");
  const { user, data, code } = await lookAt(host, "first");
  expect(user[0]).toBe(isRoot ? OTHER_UID : process.getuid?.());
  for (const path of kept(host)) {
    expect(await service.invoke("read", path), path).toBe("ERR_ACCESS_DENIED");
  }
  expect(await service.invoke("write", join(data, "x"))).toBe("done");
  expect(await service.invoke("write", join(code, "x"))).toBe("ERR_ACCESS_DENIED");
  expect(await service.invoke("meet")).toBe("Client23");
  expect(host.output()).toContain(
    '"users":"shared","sharedUserReason":"Lever does not run as root"',
  );
}, 20_000);

it("a data folder that other users cannot reach is named, and services run all the same", async () => {
  const closed = mkdtempSync(join(tmpdir(), "lever-closed-"));
  const dataDir = join(closed, "data");
  mkdirSync(dataDir);
  chmodSync(closed, 0o700);
  const host = await startLever({ dataDir });
  try {
    await deploy(host, "first");
    expect((await lookAt(host, "first")).user[0]).toBe(process.getuid?.());
    const why = isRoot ? `other users cannot pass through ${closed}` : "does not run as root";
    expect(host.output()).toContain(why);
    expect(host.output().includes("services run as root")).toBe(isRoot);
    const doctor = await host.lever(["doctor", "--data", dataDir]);
    expect(doctor.stdout).toContain(why);
  } finally {
    await host.stop();
    rmSync(closed, { recursive: true });
  }
}, 20_000);

it("a data folder may be reached by a link", async () => {
  const real = mkdtempSync(join(tmpdir(), "lever-real-"));
  const link = `${real}-link`;
  symlinkSync(real, link);
  const host = await startLever({ dataDir: link });
  try {
    await deploy(host, "first");
    const { data } = await lookAt(host, "first");
    expect(await serviceOf(host, "first").invoke("write", join(data, "x"))).toBe("done");
    expect(await serviceOf(host, "first").invoke("meet")).toBe("Client23");
  } finally {
    await host.stop();
    rmSync(link);
    rmSync(real, { recursive: true });
  }
}, 20_000);
