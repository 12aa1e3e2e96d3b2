import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Client } from "leveros";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { runLever } from "../harness/run-lever.ts";

const SERVICE = `
const fs = require("node:fs");
const attempt = (work) => { try { work(); return "done"; } catch (error) { return error.code ?? error.message; } };
exports.look = () => ({
  uid: process.getuid(),
  root: fs.readdirSync("/").sort(),
  processes: fs.readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)),
  capabilities: /^CapEff:\\s*(\\S+)/m.exec(fs.readFileSync("/proc/self/status", "utf8"))[1],
  variables: Object.keys(process.env).filter((name) => !name.startsWith("LEVEROS_")).sort(),
});
exports.write = (path) => attempt(() => fs.writeFileSync(path, "x"));
exports.read = (path) => attempt(() => fs.readFileSync(path));
exports.spin = () => { setTimeout(() => { for (;;); }, 50); };
exports.eat = async () => {
  for (const held = []; ; await new Promise(setImmediate)) held.push(Buffer.alloc(4e6, 1));
};
`;

let lever: RunningLever;
const folder = mkdtempSync(join(tmpdir(), "lever-containers-"));
const service = () => new Client({ forceHost: lever.address }).service("dev.lever", "boxed");

beforeAll(async () => {
  lever = await startLever({ isolation: "oci" });
  writeFileSync(join(folder, "lever.json"), JSON.stringify({ name: "boxed", jsEntry: "index.js" }));
  writeFileSync(join(folder, "index.js"), SERVICE);
  const deployed = await runLever(["-H", lever.address, "deploy", folder]);
  expect(deployed.stderr + deployed.stdout).toContain("Deployed boxed");
}, 60_000);

afterAll(async () => {
  await lever.stop();
  rmSync(folder, { recursive: true });
});

test("an instance in a container is alone, unprivileged, and sees what it was given", async () => {
  expect(await service().invoke("look")).toEqual({
    uid: 1_000,
    root: ["bin", "dev", "etc", "lever", "lib", "lib64", "proc", "sbin", "tmp", "usr"],
    processes: ["1"],
    capabilities: "0000000000000000",
    variables: ["HOME", "LANG", "PATH"],
  });
});

test.each([
  ["/lever/box/code/index.js", "EACCES"],
  ["/etc/passwd", "EROFS"],
  ["/usr/bin/x", "EROFS"],
  ["/proc/sys/kernel/hostname", "EROFS"],
  ["/tmp/x", "done"],
  ["/lever/box/data/x", "done"],
])("writing %s in a container: %s", async (path, outcome) => {
  expect(await service().invoke("write", path)).toBe(outcome);
});

test("a container does not show the files of the host", async () => {
  expect(await service().invoke("read", join(lever.dataDir, "lever.sqlite"))).toBe("ENOENT");
  expect(await service().invoke("read", "/etc/shadow")).toBe("ENOENT");
});

test("an instance that needs more memory than it has is ended, and its caller hears why", async () => {
  await expect(service().invoke("eat")).rejects.toThrow(/more memory than the 128 MB that "ram"/);
  expect(await service().invoke("read", "/etc/passwd")).toBe("done");
});

test("a service keeps its files when its host goes from processes to containers, and back", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-containers-data-"));
  const kept = join(dataDir, "services/dev.lever/boxed/kept");
  const outcomes: unknown[] = [];
  for (const isolation of ["process", "oci", "process"] as const) {
    await using host = await startLever({ dataDir, isolation });
    if (!existsSync(kept)) {
      await runLever(["-H", host.address, "deploy", folder]);
      mkdirSync(kept);
    }
    const boxed = new Client({ forceHost: host.address }).service("dev.lever", "boxed");
    const data = isolation === "oci" ? "/lever/box/data" : dirname(kept);
    outcomes.push(await boxed.invoke("write", join(data, "own")));
    outcomes.push(await boxed.invoke("write", join(data, "kept/own")));
  }
  // A folder that somebody else made there is the service's own from the first change on.
  expect(outcomes).toEqual(["done", "EACCES", "done", "done", "done", "done"]);
  rmSync(dataDir, { recursive: true });
}, 60_000);

/** Whatever on this machine belongs to the containers of the host with this data folder. */
function traces(dataDir: string): string[] {
  const id = createHash("sha256").update(realpathSync(dataDir)).digest("hex").slice(0, 10);
  const has = (text: string): string[] => text.split("\n").filter((line) => line.includes(id));
  const cgroups = readdirSync("/sys/fs/cgroup").flatMap((name) => {
    const dir = join("/sys/fs/cgroup", name);
    return statSync(dir).isDirectory() ? [name, ...readdirSync(dir)] : [name];
  });
  return [
    ...has(readFileSync("/proc/self/mountinfo", "utf8")),
    ...has(cgroups.join("\n")),
    ...has(execFileSync("/usr/sbin/nft", ["list", "tables"], { encoding: "utf8" })),
    ...has(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })),
    ...has(readdirSync("/run/lever").join("\n")),
  ];
}

/** The network links and ranges of addresses that a running host has. */
function networkOf(dataDir: string): string {
  const id = createHash("sha256").update(realpathSync(dataDir)).digest("hex").slice(0, 10);
  return readFileSync(`/run/lever/${id}/networks/subnet`, "utf8");
}

const routesIn = (subnet: string): string =>
  execFileSync("/sbin/ip", ["-4", "route", "show", "root", subnet], { encoding: "utf8" });

test("a host that was killed, and one that stops, leave nothing behind", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-containers-data-"));
  const first = await startLever({ dataDir, isolation: "oci" });
  const boxed = new Client({ forceHost: first.address }).service("dev.lever", "boxed");
  await runLever(["-H", first.address, "deploy", folder]);
  // It hears nothing any more after this, not even that its host has gone.
  await boxed.invoke("spin");
  const subnet = networkOf(dataDir);
  await first.kill();
  const second = await startLever({ dataDir, isolation: "oci" });
  expect(networkOf(dataDir)).toBe(subnet);
  const again = new Client({ forceHost: second.address }).service("dev.lever", "boxed");
  expect(await again.invoke("read", "/etc/passwd")).toBe("done");
  await second.stop();
  expect(traces(dataDir)).toEqual([]);
  expect(routesIn(subnet)).toBe("");
  rmSync(dataDir, { recursive: true });
}, 60_000);
