import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceListing } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

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

async function deploy(name: string, fields: object = {}, source = service): Promise<void> {
  const leverJson = JSON.stringify({ name, jsEntry: "server.js", ...fields });
  const archive = serviceArchive({ "lever.json": leverJson, "server.js": source });
  const answer = await deployArchive(lever.address, archive);
  expect(answer.status, answer.text).toBe(200);
}

async function instancesOf(name: string): Promise<ServiceListing["instances"]> {
  const answer = await httpCall(lever.address, "/admin/listServices?forceenv=admin.lever", {
    headers: { "content-type": "application/json" },
    body: '["dev.lever"]',
  });
  const listings = answer.json() as ServiceListing[];
  return listings.find((listing) => listing.service === name)?.instances ?? [];
}

/** Asks again until the answer is the expected one; the test's own time limit is the only other end. */
async function until<T>(ask: () => Promise<T>, isExpected: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isExpected(answer)) return answer;
    await delay(10);
  }
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("an instance", () => {
  it("stops when its service idles, in good order, and the next call starts another", async () => {
    await deploy("sleepy");
    const pid = (await callMethod(lever.address, "/sleepy/pid", [])).json() as number;
    await until(
      () => instancesOf("sleepy"),
      (instances) => instances.length === 0,
    );
    expect(isRunning(pid)).toBe(false);
    const next = (await callMethod(lever.address, "/sleepy/pid", [])).json();
    expect(next).not.toBe(pid);
    expect((await callMethod(lever.address, "/sleepy/life", [])).json()).toBe("exit 0\n");
  });

  it("stays while its service keeps a minimum, and is replaced when it dies", async () => {
    await deploy("steady", { minInstances: 1 });
    const pid = (await callMethod(lever.address, "/steady/pid", [])).json() as number;
    process.kill(pid, "SIGKILL");
    const [instance] = await until(
      () => instancesOf("steady"),
      ([first]) => first?.state === "ready" && !isRunning(pid),
    );
    expect(instance?.version).toBe(1);
    expect((await callMethod(lever.address, "/steady/pid", [])).json()).not.toBe(pid);
  });

  it("that someone else tells to stop finishes its calls first", async () => {
    await deploy("patient");
    const pid = (await callMethod(lever.address, "/patient/pid", [])).json() as number;
    const file = `${lever.dataDir}/services/dev.lever/patient/go`;
    const waiting = callMethod(lever.address, "/patient/wait", [file]);
    await until(
      () => instancesOf("patient"),
      ([first]) => first?.callsInFlight === 1,
    );
    process.kill(pid, "SIGTERM");
    await until(
      () => instancesOf("patient"),
      (all) => all.some(({ state }) => state === "stopping"),
    );
    // A new call gets a new instance while the old one still works.
    expect((await callMethod(lever.address, "/patient/pid", [])).json()).not.toBe(pid);
    expect(isRunning(pid)).toBe(true);
    writeFileSync(file, "");
    expect((await waiting).json()).toBe("waited");
    await until(
      async () => isRunning(pid),
      (running) => !running,
    );
  });

  it("that cannot start says why at once, also while it is kept down", async () => {
    // Starts once, for the deploy; never again.
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

  it("shares its cold start among all calls that wait for it", async () => {
    await deploy("shared", { maxInstances: 1 });
    await until(
      () => instancesOf("shared"),
      (instances) => instances.length === 0,
    );
    const calls = Array.from({ length: 50 }, () => callMethod(lever.address, "/shared/pid", []));
    const pids = new Set((await Promise.all(calls)).map((answer) => answer.json()));
    expect(pids.size).toBe(1);
  });

  it("does not outlive its host, not even one that is killed", async () => {
    const other = await startLever();
    const archive = serviceArchive({
      "lever.json": '{"name": "orphan", "jsEntry": "server.js"}',
      "server.js": "exports.pid = () => process.pid;",
    });
    expect((await deployArchive(other.address, archive)).status).toBe(200);
    const pid = (await callMethod(other.address, "/orphan/pid", [])).json() as number;
    await other.kill();
    await until(
      async () => isRunning(pid),
      (running) => !running,
    );
    await other.stop();
  });
});
