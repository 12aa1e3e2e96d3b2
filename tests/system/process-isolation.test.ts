import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

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
exports.mayWrite = (path) => attempt(() => fs.accessSync(path, fs.constants.W_OK));
exports.ask = (path) => attempt(() => execFileSync("/bin/sh", ["-c", 'if [ -d "$1" ]; then ls "$1"; else cat "$1"; fi', "sh", path], { stdio: "pipe" }));
exports.work = () => new Promise((resolve) => new Worker('require("node:worker_threads").parentPort.postMessage(require("./part.cjs"))', { eval: true }).on("message", resolve));
exports.meet = async () => (await import("leveros")).Client.name + require("dependency") + (await import("./typed.ts")).number;
exports.node = () => execFileSync(process.env.NODE_PROGRAM, ["-p", "1 + 1"], { encoding: "utf8" });
exports.eat = async () => { for (const held = []; ; await new Promise(setImmediate)) held.push(Buffer.alloc(4e6, 1)); };
exports.leave = () => Number(execFileSync("/bin/sh", ["-c", "env -i setsid sleep 1000 >/dev/null 2>&1 & echo $!"]));
exports.quit = () => process.exit(1);
exports.feed = () => new Promise((_, reject) => require("node:child_process").execFile("/bin/sh", ["-c", "x=0123456789abcdef; while :; do x=$x$x; done"], reject));
`;

const isRoot = process.getuid?.() === 0;
const FIRST_UID = 0x7f10_0000;
/** A user that no other program has. */
const OTHER_UID = 54_321;

const FILES = {
  "server.js": SERVICE,
  "part.cjs": 'module.exports = "part";',
  "typed.ts": "export const number: number = 3;",
  "node_modules/dependency/index.js": "module.exports = 2;",
};

const deploy = (lever: RunningLever, name: string, environment?: string): Promise<unknown> =>
  deployService(lever, testService(FILES, { name }), environment);

interface Look {
  readonly user: number[];
  readonly groups: number[];
  readonly capabilities: string;
  readonly noNewPrivileges: string;
  readonly core: string[];
  readonly code: string;
  readonly data: string;
  readonly temporary: string;
}

function serviceOf(lever: RunningLever, name: string, environment = "dev.lever") {
  return new Client({ forceHost: lever.address }).service(environment, name);
}

const lookAt = async (lever: RunningLever, name: string, environment?: string): Promise<Look> =>
  (await serviceOf(lever, name, environment).invoke("look")) as Look;

/** The files of a host that no service may read. */
function kept(lever: RunningLever): string[] {
  const archives = join(lever.dataDir, "archives");
  const [archived = ""] = readdirSync(archives);
  const files = [
    "lever.sqlite",
    "lever.sqlite-wal",
    "secret.key",
    "archives",
    "removed",
    "staging",
    "processes",
  ];
  return [
    ...files.map((name) => join(lever.dataDir, name)),
    join(archives, archived),
    lever.dataDir,
  ];
}

/** Starts a program that leaves its parent, session and environment, and returns its pid. */
const startEscaped = async (host: RunningLever, name: string): Promise<number> =>
  Number(await serviceOf(host, name).invoke("leave"));

/** True for a process that has not exited. One that has may stay listed until its parent has noticed. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

const untilGone = (pid: number): Promise<boolean> => eventually(() => !isRunning(pid));

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
  let first: Look;
  let second: Look;
  const service = () => serviceOf(lever, "first");

  beforeAll(async () => {
    first = await lookAt(lever, "first");
    second = await lookAt(lever, "second");
  });

  it("a service as a process has no privileges", () => {
    expect(first).toMatchObject({
      noNewPrivileges: "1",
      core: ["0", "0"],
      capabilities: "0000000000000000",
    });
  });

  it("a service as a process cannot become root", async () => {
    expect(await service().invoke("become", 0)).toBe("EPERM");
  });

  it("the log says whether services have users of their own", async () => {
    await lever.event("host started", { users: isRoot ? "own" : "shared" });
  });

  it("a service has one user, real and effective", () => {
    const [uid] = isRoot ? first.user : [process.getuid?.()];
    expect(first.user).toEqual([uid, uid]);
  });

  it("a service has a user and a group of its own", { tags: ["needs-root"] }, () => {
    const [uid] = first.user;
    expect(uid).toBeGreaterThanOrEqual(FIRST_UID);
    expect(new Set(first.groups)).toEqual(new Set([uid]));
    expect(second.user[0]).not.toBe(uid);
  });

  it("a service cannot read the files of its host", async () => {
    for (const path of kept(lever)) {
      expect(await service().invoke("read", path), path).toBe("ENOENT");
    }
  });

  it("programs of a service cannot read the files of its host", {
    tags: ["needs-root"],
  }, async () => {
    // Node's permissions do not hold for other programs. The user of its own does.
    for (const path of kept(lever)) {
      expect(await service().invoke("ask", path), path).toBe("failed");
    }
  });

  it.each(["/root", "/proc/self/environ", "/proc/self/root/etc", "/etc/shadow"])(
    "a service cannot read %s",
    async (path) => {
      expect(await service().invoke("read", path)).toBe("ENOENT");
    },
  );

  it("a service writes its data and its temporary files", async () => {
    expect(await service().invoke("write", join(first.data, "x"))).toBe("done");
    expect(await service().invoke("write", join(first.temporary, "x"))).toBe("done");
  });

  it("a service reads its code", async () => {
    expect(await service().invoke("read", join(first.code, "server.js"))).toBe("done");
  });

  it("a service cannot write its code or anything else", async () => {
    const paths = [join(first.code, "server.js"), join(lever.dataDir, "x"), "/usr/x", "/var/x"];
    for (const path of paths) {
      expect(await service().invoke("write", path), path).toBe("EACCES");
    }
  });

  it("a service can start programs", async () => {
    expect(await service().invoke("ask", "/etc/passwd")).toBe("done");
    expect(await service().invoke("node")).toBe("2\n");
  });

  it("a program that leaves its session ends with its instance", async () => {
    const pid = await startEscaped(lever, "second");
    expect(isRunning(pid)).toBe(true);
    await expect(serviceOf(lever, "second").invoke("quit")).rejects.toThrow("exited");
    await untilGone(pid);
  });

  it("a service can start threads", async () => {
    expect(await service().invoke("work")).toBe("part");
  });

  it("a service can import its packages, leveros and TypeScript", async () => {
    expect(await service().invoke("meet")).toBe("Client23");
  });

  describe("beside another one", () => {
    const outcome = isRoot ? "EACCES" : "done";

    beforeAll(async () => {
      await serviceOf(lever, "second").invoke("write", join(second.data, "own"));
    });

    it("a service reads files of another one only where they share a user", async () => {
      const { data, code } = second;
      for (const path of [data, join(data, "own"), code, join(code, "server.js")]) {
        expect(await service().invoke("read", path), path).toBe(outcome);
        expect(await service().invoke("ask", path), path).toBe(isRoot ? "failed" : "done");
      }
    });

    it("a service writes files of another one only where they share a user", async () => {
      expect(await service().invoke("write", join(second.data, "own"))).toBe(outcome);
    });
  });
});

describe.each([
  ["the module", "eat"],
  ["a program", "feed"],
])("a call whose %s needs more memory than the service has", (user, method) => {
  const limit = /more memory than the 128 MB that [\\"]+ram[\\"]+ allots it \(it had \d+\.\d MB\)/;
  let outcome: unknown;
  let failed: { instance: string; reason: string } | undefined;

  beforeAll(async () => {
    outcome = await serviceOf(lever, "second").invoke(method).catch(String);
    const events = await lever.lever(["events", "second", "--json"]);
    failed = events.stdout
      .split("\n")
      .filter((line) => line.includes("instance failed"))
      .map((line) => JSON.parse(line) as { instance: string; reason: string })
      .at(-1);
  });

  it(`a call fails with the ram when ${user} needs too much memory`, () => {
    expect(outcome).toMatch(limit);
  });

  it(`lever events says that ${user} needed too much memory`, () => {
    expect(failed?.reason).toMatch(limit);
  });

  it(`lever why says that ${user} needed too much memory`, async () => {
    const why = await lever.lever(["why", failed?.instance ?? ""]);
    expect(why.stdout).toMatch(limit);
  });
});

describe("users of services after a crash, and after their service was removed", () => {
  let stays: Look;
  let goes: Look;
  let comes: Look;
  let after: Look;
  let outcome: unknown;

  beforeAll(async () => {
    await using host = await startLever();
    await adminOf(host).invoke("createEnvironment", "other.lever");
    await deploy(host, "stays");
    await deploy(host, "goes", "other.lever");
    stays = await lookAt(host, "stays");
    goes = await lookAt(host, "goes", "other.lever");
    await serviceOf(host, "stays").invoke("write", join(stays.data, "kept"));
    await adminOf(host).invoke("removeEnvironment", "other.lever", { force: true });
    const escaped = await startEscaped(host, "stays");
    await host.kill();
    await untilGone(escaped);
    await using again = await startLever({ dataDir: host.dataDir });
    await deploy(again, "comes");
    after = await lookAt(again, "stays");
    outcome = await serviceOf(again, "stays").invoke("read", join(stays.data, "kept"));
    comes = await lookAt(again, "comes");
  }, 60_000);

  it("a service keeps its user through a crash of the host", () => {
    expect(after.user).toEqual(stays.user);
  });

  it("a service reads its data after a crash of the host", () => {
    expect(outcome).toBe("done");
  });

  it("the user of a removed service is never given to another", () => {
    const users = new Set([stays, goes, comes].map(({ user }) => user[0]));
    expect(users.size).toBe(isRoot ? 3 : 1);
  });
});

describe("a host that is not root", () => {
  let host: RunningLever;
  let look: Look;

  beforeAll(async () => {
    host = await startLever(isRoot ? { uid: OTHER_UID } : {});
    await deploy(host, "first");
    await host.lever(["secret", "set", "TOKEN"], { input: "x\n" });
    look = await lookAt(host, "first");
  });

  afterAll(() => host?.stop());

  it("services of a host that is not root run as its user", () => {
    expect(look.user[0]).toBe(isRoot ? OTHER_UID : process.getuid?.());
  });

  it("Node's permissions keep services from the files of a host that is not root", async () => {
    for (const path of kept(host)) {
      expect(await serviceOf(host, "first").invoke("read", path), path).toBe("ENOENT");
    }
  });

  it("services of a host that is not root write their data, not their code", async () => {
    const { data, code } = look;
    expect(await serviceOf(host, "first").invoke("write", join(data, "x"))).toBe("done");
    expect(await serviceOf(host, "first").invoke("write", join(code, "x"))).toBe("EACCES");
  });

  it("services of a host that is not root find their data writable, not their code", async () => {
    const { data, code } = look;
    expect(await serviceOf(host, "first").invoke("mayWrite", data)).toBe("done");
    expect(await serviceOf(host, "first").invoke("mayWrite", code)).toBe("EACCES");
  });

  it("services of a host that is not root import packages", async () => {
    expect(await serviceOf(host, "first").invoke("meet")).toBe("Client23");
  });

  it("a program that leaves its session ends with an instance that is not root", async () => {
    const pid = await startEscaped(host, "first");
    await expect(serviceOf(host, "first").invoke("quit")).rejects.toThrow("exited");
    await untilGone(pid);
  });

  it("the log of a host that is not root says that services share a user", async () => {
    await host.event("host started", {
      users: "shared",
      sharedUserReason: "Lever does not run as root",
    });
  });

  it("a program that leaves its session ends with a killed host that is not root", async () => {
    const pid = await startEscaped(host, "first");
    await host.kill();
    await untilGone(pid);
  });
});

describe("a data folder that other users cannot reach", () => {
  let closed: string;
  let host: RunningLever;
  let reason: string;

  beforeAll(async () => {
    closed = mkdtempSync(join(tmpdir(), "lever-closed-"));
    const dataDir = join(closed, "data");
    mkdirSync(dataDir);
    chmodSync(closed, 0o700);
    reason = isRoot ? `other users cannot pass through ${closed}` : "does not run as root";
    host = await startLever({ dataDir });
    await deploy(host, "first");
  });

  afterAll(async () => {
    await host?.stop();
    rmSync(closed, { recursive: true });
  });

  it("services run as the host's user where others cannot reach the data folder", async () => {
    expect((await lookAt(host, "first")).user[0]).toBe(process.getuid?.());
  });

  it("the log names the folder that other users cannot pass through", async () => {
    await host.event("host started", { sharedUserReason: new RegExp(RegExp.escape(reason)) });
  });

  it("the log warns of services that run as root", () => {
    const warned = host.events().some(({ msg }) => msg === "services run as root");
    expect(warned).toBe(isRoot);
  });

  it("lever doctor names the folder that other users cannot pass through", async () => {
    const doctor = await host.lever(["doctor", "--data", host.dataDir]);
    expect(doctor.stdout).toContain(reason);
  });
});

it("services write data and import packages when the data folder is a link", async () => {
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
