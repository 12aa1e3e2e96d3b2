// What a service finds around it: files, Node, memory, its user. Interchangeable in both isolations as far as possible.
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

/** Exists on most machines, and no service may see it. */
const HIDDEN = "/root/.profile";

const LIBRARY = `
const fs = require("node:fs");
const os = require("node:os");
const { join } = require("node:path");
const data = process.env.LEVEROS_DATA_DIR;
const file = join(data, "file");
const hidden = "${HIDDEN}";
const about = ({ code, syscall, path, message }) => ({ code, syscall, path, message });
const attempt = async (work) => { try { return await work(); } catch (error) { return about(error); } };
const withFile = (work) => { const fd = fs.openSync(file, "w"); try { return work(fd); } finally { fs.closeSync(fd); } };
const called = (work) => new Promise((done, fail) => work((error) => error ? fail(error) : done("done")));

exports.looks = {
  existsSync: () => fs.existsSync(hidden),
  exists: () => new Promise((done) => fs.exists(hidden, done)),
  statSync: () => fs.statSync(hidden, { throwIfNoEntry: false }) ?? "undefined",
  lstatSync: () => fs.lstatSync(hidden, { throwIfNoEntry: false }) ?? "undefined",
  access: () => fs.promises.access(hidden),
  accessSync: () => fs.accessSync(hidden),
  stat: () => called((done) => fs.stat(hidden, done)),
  readlink: () => called((done) => fs.readlink(hidden, done)),
  readdirSync: () => fs.readdirSync("/root"),
  opendir: () => fs.promises.opendir("/root"),
  readFile: () => fs.promises.readFile(hidden),
  createReadStream: () => called((done) => fs.createReadStream(hidden).on("error", done)),
  rmSync: () => fs.rmSync(hidden, { force: true }) ?? "undefined",
  realpath: () => called((done) => fs.realpath(data, done)),
};
exports.writes = {
  writeFileSync: () => fs.writeFileSync("/usr/x", ""),
  appendFile: () => fs.promises.appendFile("/usr/x", ""),
  mkdir: () => called((done) => fs.mkdir("/usr/x", done)),
  createWriteStream: () => called((done) => fs.createWriteStream("/usr/x").on("error", done)),
};
exports.flushes = {
  sync: () => withFile((fd) => { fs.fsyncSync(fd); fs.fdatasyncSync(fd); fs.writeFileSync(file, "x", { flush: true }); return "done"; }),
  folder: () => { const fd = fs.openSync(data); fs.fsyncSync(fd); fs.fdatasyncSync(fd); fs.closeSync(fd); return "done"; },
  callback: () => called((done) => { const fd = fs.openSync(file, "w"); fs.fsync(fd, (error) => error ? done(error) : fs.fdatasync(fd, done)); }),
  stream: () => called((done) => fs.createWriteStream(file, { flush: true }).on("close", done).on("error", done).end("x")),
  handle: async () => { const handle = await fs.promises.open(file, "w"); await handle.sync(); await handle.datasync(); await handle.close(); return "done"; },
};
exports.code = {
  mkdirSync: () => fs.mkdirSync(__dirname, { recursive: true }) ?? "undefined",
  mkdir: () => called((done) => fs.mkdir(__dirname, { recursive: true }, done)),
  mkdirOnce: () => fs.promises.mkdir(__dirname),
  accessSync: () => fs.accessSync(__dirname, fs.constants.R_OK) ?? "undefined",
  writeSync: () => fs.accessSync(__dirname, fs.constants.W_OK),
  write: () => called((done) => fs.access(__dirname, fs.constants.W_OK, done)),
  writePromise: () => fs.promises.access(__dirname, fs.constants.W_OK),
  data: () => fs.promises.access(data, fs.constants.W_OK).then(() => "done"),
};
exports.mistakes = {
  fsyncSync: () => fs.fsyncSync(99_999),
  fsync: () => called((done) => fs.fsync(99_999, done)),
  futimesSync: () => fs.futimesSync(99_999, 1, 2),
};
exports.changes = {
  futimesSync: () => withFile((fd) => { fs.futimesSync(fd, 1, 2); return fs.fstatSync(fd).mtimeMs; }),
  futimes: async () => { const fd = fs.openSync(file, "w"); await called((done) => fs.futimes(fd, 1, 2, done)); return fs.fstatSync(fd).mtimeMs; },
  fchmodSync: () => withFile((fd) => { fs.fchmodSync(fd, 0o640); return (fs.fstatSync(fd).mode & 0o777).toString(8); }),
  handle: async () => { const handle = await fs.promises.open(file, "w"); await handle.utimes(1, 2); await handle.chmod(0o604); const { mtimeMs, mode } = await handle.stat(); await handle.close(); return mtimeMs + " " + (mode & 0o777).toString(8); },
};
exports.attempts = async (kind) => {
  const answers = {};
  for (const [name, work] of Object.entries(exports[kind])) answers[name] = await attempt(work);
  return answers;
};
`;

const SERVICE = `
const { execFile, execFileSync, fork } = require("node:child_process");
const { promisify } = require("node:util");
const { writeFileSync, chmodSync } = require("node:fs");
const os = require("node:os");
const { join } = require("node:path");
const { Worker } = require("node:worker_threads");
exports.attempts = require("./library.cjs").attempts;
exports.imported = () => import("./imported.mjs").then(({ answers }) => answers);
exports.inThread = (workerData, flags) => new Promise((done, fail) => {
  const execArgv = flags === "all" ? process.execArgv : flags ?? undefined;
  new Worker(join(__dirname, "thread.cjs"), { workerData, execArgv }).on("message", done).on("error", fail);
});
exports.inFork = (kind) => new Promise((done, fail) => fork(join(__dirname, "fork.cjs"), [kind]).on("message", done).on("error", fail));
const script = ["-e", "console.log(require('fs').existsSync('${HIDDEN}'), process.argv.length)"];
exports.inPrograms = async () => [
  execFileSync("node", script, { encoding: "utf8" }).trim(),
  execFileSync(process.execPath, script, { encoding: "utf8", env: {} }).trim(),
  require("node:child_process").execSync("node -e \\"console.log(require('fs').existsSync('${HIDDEN}'), 1)\\"").toString().trim(),
  (await promisify(execFile)("node", script)).stdout.trim(),
  (await promisify(execFile)(process.execPath, script, { env: { NODE_OPTIONS: "--no-warnings" } })).stdout.trim(),
];
exports.machine = () => ({
  total: os.totalmem(),
  free: os.freemem(),
  constrained: process.constrainedMemory(),
  available: process.availableMemory(),
  user: os.userInfo(),
  ids: { uid: process.getuid(), gid: process.getgid(), home: process.env.HOME, data: process.env.LEVEROS_DATA_DIR },
});
exports.program = () => ({ argv: process.argv.slice(1), main: require.main.filename, own: __filename, isMain: require.main === module });
exports.node = () => {
  const script = join(process.env.LEVEROS_DATA_DIR, "script");
  writeFileSync(script, "#!/usr/bin/env node\\nconsole.log(process.version)");
  chmodSync(script, 0o755);
  const run = (...command) => execFileSync(...command, { encoding: "utf8" }).trim();
  return [process.version, run("node", ["-p", "process.version"]), run("sh", ["-c", "node -v"]), run(script, [])];
};
`;

const FILES = {
  "server.js": SERVICE,
  "library.cjs": LIBRARY,
  "thread.cjs": `const { parentPort, workerData } = require("node:worker_threads");
    require("./library.cjs").attempts(workerData).then((answer) => parentPort.postMessage(answer));`,
  "imported.mjs": `import { existsSync, promises } from "fs";
    import { stat } from "node:fs/promises";
    import os, { totalmem } from "os";
    const code = (promise) => promise.then(() => "found", (error) => error.code);
    export const answers = [String(existsSync("${HIDDEN}")), await code(promises.stat("${HIDDEN}")), await code(stat("${HIDDEN}")), String(totalmem())];`,
  "fork.cjs": `require("./library.cjs").attempts(process.argv[2]).then((answer) => process.send(answer, () => process.exit()));`,
};
const RAM_MB = 200;

const ISOLATIONS = [
  ["process", []],
  ["oci", ["needs-containers"]],
] as const;

describe.each(ISOLATIONS)("what a service finds around it (%s)", (isolation, tags) => {
  let lever: RunningLever;
  const invoke = (method: string, ...args: unknown[]): Promise<unknown> =>
    new Client({ forceHost: lever.address }).service("dev.lever", "around").invoke(method, ...args);
  const fact = (name: string, check: () => Promise<void>): void =>
    test(`${name} (${isolation})`, { tags: [...tags] }, check);
  const isFenced = isolation === "process";

  beforeAll(async () => {
    lever = await startLever({ isolation });
    await deployService(lever, testService(FILES, { name: "around", ram: RAM_MB }));
  }, 60_000);

  afterAll(() => lever?.stop());

  const absent = { code: "ENOENT", path: HIDDEN };
  const looks = {
    existsSync: false,
    exists: false,
    statSync: "undefined",
    lstatSync: "undefined",
    rmSync: "undefined",
    access: { ...absent, syscall: "access" },
    accessSync: { ...absent, syscall: "access" },
    stat: { ...absent, syscall: "stat" },
    readlink: { ...absent, syscall: "readlink" },
    readdirSync: { code: "ENOENT", syscall: "scandir", path: "/root" },
    opendir: { code: "ENOENT", syscall: "opendir", path: "/root" },
    readFile: { ...absent, syscall: "open" },
    createReadStream: { ...absent, syscall: "open" },
    realpath: "done",
  };
  const writable = expect.stringMatching(/writes only below .*services.*around and /);
  const refused = {
    code: isFenced ? "EACCES" : "EROFS",
    path: "/usr/x",
    ...(isFenced && { message: writable }),
  };

  fact("a hidden file is not there for a service", async () => {
    expect(await invoke("attempts", "looks")).toMatchObject(looks);
  });

  const writes = {
    writeFileSync: { ...refused, syscall: "open" },
    appendFile: { ...refused, syscall: "open" },
    mkdir: { ...refused, syscall: "mkdir" },
    createWriteStream: { ...refused, syscall: "open" },
  };

  fact("a write outside of its folders is refused with the path", async () => {
    expect(await invoke("attempts", "writes")).toMatchObject(writes);
  });

  const flushed = {
    sync: "done",
    folder: "done",
    callback: "done",
    stream: "done",
    handle: "done",
  };

  fact("a service flushes its files to the disk", async () => {
    expect(await invoke("attempts", "flushes")).toEqual(flushed);
  });

  fact("a service changes times and modes of open files", async () => {
    expect(await invoke("attempts", "changes")).toEqual({
      futimesSync: 2_000,
      futimes: 2_000,
      fchmodSync: "640",
      handle: "2000 604",
    });
  });

  fact("a service finds its code there, and not writable", async () => {
    const denied = { code: "EACCES", syscall: "access" };
    expect(await invoke("attempts", "code")).toMatchObject({
      mkdirSync: "undefined",
      mkdir: "done",
      mkdirOnce: { code: "EEXIST", syscall: "mkdir" },
      accessSync: "undefined",
      writeSync: denied,
      write: denied,
      writePromise: denied,
      data: "done",
    });
  });

  fact("a flush of what is no open file fails with EBADF", async () => {
    expect(await invoke("attempts", "mistakes")).toMatchObject({
      fsyncSync: { code: "EBADF" },
      fsync: { code: "EBADF" },
      futimesSync: { code: "EBADF" },
    });
  });

  fact("an ES module imports the same functions for files", async () => {
    expect(await invoke("imported")).toEqual(["false", "ENOENT", "ENOENT", String(RAM_MB * 1e6)]);
  });

  test.each([
    ["", undefined],
    [" with its own flags", []],
    [" with the flags of its process", "all"],
  ])(`a thread%s finds the same files (${isolation})`, { tags: [...tags] }, async (_, execArgv) => {
    expect(await invoke("inThread", "looks", execArgv)).toMatchObject(looks);
    expect(await invoke("inThread", "flushes", execArgv)).toEqual(flushed);
    expect(await invoke("inThread", "writes", execArgv)).toMatchObject(writes);
  });

  fact("a forked program finds the same files", async () => {
    expect(await invoke("inFork", "looks")).toMatchObject(looks);
  });

  fact("Node programs of a service find the same files", async () => {
    expect(await invoke("inPrograms")).toEqual(Array(5).fill("false 1"));
  });

  fact("a service finds its ram as the memory of the machine", async () => {
    const { total, constrained, free, available } = (await invoke("machine")) as Machine;
    expect([total, constrained]).toEqual([RAM_MB * 1e6, RAM_MB * 1e6]);
    for (const bytes of [free, available]) {
      expect(bytes).toBeGreaterThan(1e6);
      expect(bytes).toBeLessThan(total);
    }
  });

  fact("a service finds its user, with its folder as home", async () => {
    const { user, ids } = (await invoke("machine")) as Machine;
    expect(user).toMatchObject({
      uid: ids.uid,
      gid: ids.gid,
      username: expect.stringMatching(/./),
    });
    // Without a user of its own, it has the account of Lever's.
    if (ids.uid !== process.getuid?.()) expect(user.homedir).toBe(ids.data);
    expect(ids.home).toBe(ids.data);
  });

  fact("a service finds itself in process.argv and require.main", async () => {
    const { argv, main, own, isMain } = (await invoke("program")) as Record<string, unknown>;
    expect({ argv, main, isMain }).toEqual({ argv: [own], main: own, isMain: false });
  });

  fact("programs of a service find the Node that runs it", async () => {
    const [version, ...found] = (await invoke("node")) as string[];
    expect(found).toEqual(Array(3).fill(version));
  });
});

interface Machine {
  readonly total: number;
  readonly constrained: number;
  readonly free: number;
  readonly available: number;
  readonly user: { readonly homedir: string };
  readonly ids: { uid: number; gid: number; home: string; data: string };
}
