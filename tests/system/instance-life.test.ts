import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instancesOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = `
const fs = require("node:fs");
const path = require("node:path");
const note = (line) => fs.appendFileSync(path.join(process.env.LEVEROS_DATA_DIR, "life"), line + "\\n");
process.on("exit", (status) => note("exit " + status));
exports.pid = () => process.pid;
exports.life = () => fs.readFileSync(path.join(process.env.LEVEROS_DATA_DIR, "life"), "utf8");
exports.wait = (file, callback) => {
  note("waiting");
  const timer = setInterval(() => { if (fs.existsSync(file)) { clearInterval(timer); callback(null, "waited"); } }, 5);
};
`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "idleTimeoutMs=200"] });
});

afterAll(() => lever.stop());

const deploy = (name: string, fields: object = {}, code = service): Promise<unknown> =>
  deployService(lever, testService(code, { name, ...fields }));

const pidOf = async (name: string): Promise<number> =>
  (await callMethod(lever.address, `/${name}/pid`, [])).json() as number;

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("an instance of a service that is not called", () => {
  let pid: number;

  beforeAll(async () => {
    await deploy("sleepy");
    pid = await pidOf("sleepy");
    await eventually(async () => (await instancesOf(lever, "sleepy")).length === 0);
  });

  it("an idle instance stops", () => {
    expect(isRunning(pid)).toBe(false);
  });

  it("the next call after an idle instance stopped starts another", async () => {
    expect(await pidOf("sleepy")).not.toBe(pid);
  });

  it("an idle instance exits with status 0", async () => {
    // A call that comes late starts one more.
    expect((await callMethod(lever.address, "/sleepy/life", [])).json()).toMatch(/^(exit 0\n)+$/);
  });
});

it("an instance within minInstances is replaced when it is killed", async () => {
  await deploy("steady", { minInstances: 1 });
  const pid = await pidOf("steady");
  process.kill(pid, "SIGKILL");
  const instance = await eventually(async () => {
    const [first] = await instancesOf(lever, "steady");
    return first?.state === "ready" && !isRunning(pid) ? first : undefined;
  });
  expect(instance.version).toBe(1);
  expect(await pidOf("steady")).not.toBe(pid);
});

describe("an instance that gets SIGTERM from elsewhere during a call", () => {
  let pid: number;
  let file: string;
  let waiting: ReturnType<typeof callMethod>;

  beforeAll(async () => {
    await deploy("patient");
    pid = await pidOf("patient");
    file = `${lever.dataDir}/services/dev.lever/patient/go`;
    waiting = callMethod(lever.address, "/patient/wait", [file]);
    await eventually(async () => (await instancesOf(lever, "patient"))[0]?.callsInFlight === 1);
    process.kill(pid, "SIGTERM");
    await eventually(async () =>
      (await instancesOf(lever, "patient")).some(({ state }) => state === "stopping"),
    );
  });

  it("a new call gets another instance while one stops", async () => {
    expect(await pidOf("patient")).not.toBe(pid);
    expect(isRunning(pid)).toBe(true);
  });

  it("an instance that got SIGTERM finishes its call, and exits", async () => {
    writeFileSync(file, "");
    expect((await waiting).json()).toBe("waited");
    await eventually(() => !isRunning(pid));
  });
});

it("calls of a service that cannot start fail at once with the reason", async () => {
  // It starts once, for the deploy, and never again.
  const fragile = `
    const fs = require("node:fs");
    const mark = process.env.LEVEROS_DATA_DIR + "/started";
    if (fs.existsSync(mark)) throw new Error("only once");
    fs.writeFileSync(mark, "");
    exports.quit = (callback) => process.exit(1);`;
  await deploy("fragile", {}, fragile);
  expect((await callMethod(lever.address, "/fragile/quit", [])).status).toBe(502);
  for (let i = 0; i < 5; i++) {
    const answer = await callMethod(lever.address, "/fragile/quit", []);
    expect(answer.json()).toMatchObject({ code: "start_failed", status: 502 });
    expect((answer.json() as { detail: string }).detail).toContain(
      "Cannot start fragile version 1: Its module cannot be loaded: Error: only once",
    );
  }
});

it("the log has the last words of an instance after a flood, and cut lines", async () => {
  // More than the host reads at once, and than it logs in a second.
  const flood = `
    const write = (fd, text) => { for (let at = 0; at < text.length; ) at += fs.writeSync(fd, text.slice(at)); };
    const fs = require("node:fs");
    exports.flood = () => {
      write(1, "unfinished ".repeat(2_000));
      write(2, "beside\\n" + ("x".repeat(10_000) + "\\n").repeat(150) + "last words\\n");
      process.exit(3);
    };`;
  await deploy("flood", {}, flood);
  expect((await callMethod(lever.address, "/flood/flood", [])).status).toBe(502);
  for (const line of [
    "beside",
    "last words",
    /^(unfinished ){1400}.*… \(cut: it has 22000 bytes\)$/,
  ]) {
    await lever.event("output", { service: "flood", line });
  }
  await lever.event("output dropped", { service: "flood" });
});

it("calls that wait for the same cold start share one instance", async () => {
  await deploy("shared", { maxInstances: 1 });
  await eventually(async () => (await instancesOf(lever, "shared")).length === 0);
  const calls = Array.from({ length: 50 }, () => pidOf("shared"));
  expect(new Set(await Promise.all(calls)).size).toBe(1);
});

it("an instance exits when its host is killed", async () => {
  const other = await startLever();
  await deployService(other, testService("exports.pid = () => process.pid;", { name: "orphan" }));
  const pid = (await callMethod(other.address, "/orphan/pid", [])).json() as number;
  await other.kill();
  await eventually(() => !isRunning(pid));
  await other.stop();
});
