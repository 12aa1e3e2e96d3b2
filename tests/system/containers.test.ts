// @module-tag needs-containers
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "leveros";
import { afterAll, beforeAll, expect, test } from "vitest";
import { containerTraces, subnetOf } from "../harness/container-traces.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { findProgram } from "../harness/requirements.ts";
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
exports.keep = (word) => {
  const file = process.env.LEVEROS_DATA_DIR + "/kept/words";
  fs.mkdirSync(process.env.LEVEROS_DATA_DIR + "/kept", { recursive: true });
  fs.appendFileSync(file, word + "\\n");
  return fs.readFileSync(file, "utf8").trim().split("\\n");
};
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
  ["/lever/sandbox/service/code/index.js", "EROFS"],
  ["/etc/passwd", "EROFS"],
  ["/usr/bin/x", "EROFS"],
  ["/proc/sys/kernel/hostname", "EROFS"],
  ["/tmp/x", "done"],
  ["/lever/sandbox/service/data/x", "done"],
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
  const outcomes: unknown[] = [];
  for (const isolation of ["process", "oci", "process", "oci"] as const) {
    await using host = await startLever({ dataDir, isolation });
    if (outcomes.length === 0) await runLever(["-H", host.address, "deploy", folder]);
    const boxed = new Client({ forceHost: host.address }).service("dev.lever", "boxed");
    outcomes.push(await boxed.invoke("keep", isolation));
  }
  expect(outcomes).toEqual([
    ["process"],
    ["process", "oci"],
    ["process", "oci", "process"],
    ["process", "oci", "process", "oci"],
  ]);
  rmSync(dataDir, { recursive: true });
}, 60_000);

test("a host that was killed, and one that stops, leave nothing behind", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-containers-data-"));
  const first = await startLever({ dataDir, isolation: "oci" });
  const boxed = new Client({ forceHost: first.address }).service("dev.lever", "boxed");
  await runLever(["-H", first.address, "deploy", folder]);
  // It hears nothing any more after this, not even that its host has gone.
  await boxed.invoke("spin");
  const subnet = subnetOf(dataDir);
  await first.kill();
  const second = await startLever({ dataDir, isolation: "oci" });
  expect(subnetOf(dataDir)).toBe(subnet);
  const again = new Client({ forceHost: second.address }).service("dev.lever", "boxed");
  expect(await again.invoke("read", "/etc/passwd")).toBe("done");
  await second.stop();
  expect(containerTraces(dataDir, subnet)).toEqual([]);
  rmSync(dataDir, { recursive: true });
}, 60_000);

test("a container starts whose process speaks long before it is written down which one it is", async () => {
  const programs = mkdtempSync(join(tmpdir(), "lever-programs-"));
  for (const name of ["crun", "runc"]) {
    const wrapper = `#!/bin/bash
args=("$@")
for ((i = 0; i < $#; i++)); do
  if [[ \${args[i]} == --pid-file ]]; then
    file=\${args[i + 1]}
    args[i + 1]=$file.late
    (until [[ -s $file.late ]]; do sleep 0.01; done; sleep 0.3; mv "$file.late" "$file") </dev/null &>/dev/null 3>&- 4>&- 5>&- &
  fi
done
exec ${findProgram(name)} "\${args[@]}"
`;
    if (findProgram(name) !== undefined) {
      writeFileSync(join(programs, name), wrapper, { mode: 0o755 });
    }
  }
  await using late = await startLever({
    isolation: "oci",
    env: { PATH: `${programs}:${process.env["PATH"]}` },
  });
  const deployed = await runLever(["-H", late.address, "deploy", folder]);
  expect(deployed.stderr + deployed.stdout).toContain("Deployed boxed");
  const boxed = new Client({ forceHost: late.address }).service("dev.lever", "boxed");
  expect(await boxed.invoke("keep", "x")).toEqual(["x"]);
  await late.stop();
  rmSync(programs, { recursive: true });
}, 60_000);
