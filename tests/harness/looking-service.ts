/** A service that tells what it may do on the machine, and what its tests need to know of its host. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "leveros";
import { eventually } from "./eventually.ts";
import type { RunningLever } from "./lever.ts";
import { deployService, testService } from "./test-service.ts";

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

export const isRoot = process.getuid?.() === 0;
/** A user that no other program has. */
export const OTHER_UID = 54_321;

const FILES = {
  "server.js": SERVICE,
  "part.cjs": 'module.exports = "part";',
  "typed.ts": "export const number: number = 3;",
  "node_modules/dependency/index.js": "module.exports = 2;",
};

export const deploy = (lever: RunningLever, name: string, environment?: string): Promise<unknown> =>
  deployService(lever, testService(FILES, { name }), environment);

export interface Look {
  readonly user: number[];
  readonly groups: number[];
  readonly capabilities: string;
  readonly noNewPrivileges: string;
  readonly core: string[];
  readonly code: string;
  readonly data: string;
  readonly temporary: string;
}

export function serviceOf(lever: RunningLever, name: string, environment = "dev.lever") {
  return new Client({ forceHost: lever.address }).service(environment, name);
}

export const lookAt = async (
  lever: RunningLever,
  name: string,
  environment?: string,
): Promise<Look> => (await serviceOf(lever, name, environment).invoke("look")) as Look;

/** The files of a host that no service may read. */
export function kept(lever: RunningLever): string[] {
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
export const startEscaped = async (host: RunningLever, name: string): Promise<number> =>
  Number(await serviceOf(host, name).invoke("leave"));

/** True for a process that has not exited. One that has may stay listed until its parent has noticed. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

export const untilGone = (pid: number): Promise<boolean> => eventually(() => !isRunning(pid));
