// @module-tag alone
// @module-tag needs-containers
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { containerTraces, subnetOf } from "../harness/container-traces.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { findProgram } from "../harness/requirements.ts";
import { deployService, testService } from "../harness/test-service.ts";

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
const boxed = testService(SERVICE, { name: "boxed" });
const serviceAt = ({ address }: RunningLever) =>
  new Client({ forceHost: address }).service("dev.lever", "boxed");
const service = () => serviceAt(lever);

beforeAll(async () => {
  lever = await startLever({ isolation: "oci" });
  await deployService(lever, boxed);
}, 60_000);

afterAll(() => lever.stop());

describe("the view of an instance in a container", () => {
  let view: Record<string, unknown>;

  beforeAll(async () => {
    view = (await service().invoke("look")) as Record<string, unknown>;
  });

  test("an instance in a container has no privileges", () => {
    expect(view).toMatchObject({ uid: 1_000, capabilities: "0000000000000000" });
  });

  test("an instance in a container sees a small root", () => {
    expect(view["root"]).toEqual([
      "bin",
      "dev",
      "etc",
      "lever",
      "lib",
      "lib64",
      "proc",
      "sbin",
      "tmp",
      "usr",
    ]);
  });

  test("an instance in a container sees no other process", () => {
    expect(view["processes"]).toEqual(["1"]);
  });

  test("an instance in a container has three variables besides Lever's", () => {
    expect(view["variables"]).toEqual(["HOME", "LANG", "PATH"]);
  });
});

test.each([
  ["/lever/sandbox/service/code/server.js", "EROFS"],
  ["/etc/passwd", "EROFS"],
  ["/usr/bin/x", "EROFS"],
  ["/proc/sys/kernel/hostname", "EROFS"],
  ["/tmp/x", "done"],
  ["/lever/sandbox/service/data/x", "done"],
])("writing %s in a container: %s", async (path, outcome) => {
  expect(await service().invoke("write", path)).toBe(outcome);
});

test("an instance in a container cannot see files of the host", async () => {
  expect(await service().invoke("read", join(lever.dataDir, "lever.sqlite"))).toBe("ENOENT");
  expect(await service().invoke("read", "/etc/shadow")).toBe("ENOENT");
});

test("a load error in a container has only frames of the service", async () => {
  const source = `const { Client } = require("leveros");\nnew Client({ timeoutMs: -1 });`;
  await expect(deployService(lever, testService(source, { name: "broken" }))).rejects.toThrow(
    /Its module cannot be loaded: LeverError: Cannot make a client: [^\\]+\\n {4}at Object\.<anonymous> \(server\.js:2:1\)\.\\nIts log: lever logs broken --instance broken-1-\w+"$/,
  );
});

test("a call that needs more memory than its container has fails with its ram", async () => {
  await expect(service().invoke("eat")).rejects.toThrow(/more memory than the 128 MB that "ram"/);
});

test("a service answers again after a call that needed too much memory", async () => {
  expect(await service().invoke("read", "/etc/passwd")).toBe("done");
});

test("a service keeps its files between processes and containers, both ways", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-containers-data-"));
  const outcomes: unknown[] = [];
  for (const isolation of ["process", "oci", "process", "oci"] as const) {
    await using host = await startLever({ dataDir, isolation });
    if (outcomes.length === 0) await deployService(host, boxed);
    outcomes.push(await serviceAt(host).invoke("keep", isolation));
  }
  expect(outcomes).toEqual([
    ["process"],
    ["process", "oci"],
    ["process", "oci", "process"],
    ["process", "oci", "process", "oci"],
  ]);
  rmSync(dataDir, { recursive: true });
}, 60_000);

describe("a host that was killed, and the next one on its data folder", () => {
  let dataDir: string;
  let subnetBefore: string | undefined;
  let second: RunningLever;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "lever-containers-data-"));
    const first = await startLever({ dataDir, isolation: "oci" });
    await deployService(first, boxed);
    // After this the instance does nothing else, not even notice that its host is gone.
    await serviceAt(first).invoke("spin");
    subnetBefore = subnetOf(dataDir);
    await first.kill();
    second = await startLever({ dataDir, isolation: "oci" });
  }, 60_000);

  afterAll(() => rmSync(dataDir, { recursive: true }));

  test("the next host uses the same subnet", () => {
    expect(subnetOf(dataDir)).toBe(subnetBefore);
  });

  test("the next host serves the service in containers", async () => {
    expect(await serviceAt(second).invoke("read", "/etc/passwd")).toBe("done");
  });

  test("a host that stops leaves nothing behind, nor of one killed before it", async () => {
    await second.stop();
    expect(containerTraces(dataDir, subnetBefore)).toEqual([]);
  });
});

test("a container starts although its process speaks before its pid file exists", async () => {
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
  await deployService(late, boxed);
  expect(await serviceAt(late).invoke("keep", "x")).toEqual(["x"]);
  await late.stop();
  rmSync(programs, { recursive: true });
}, 60_000);
