import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type {
  HostEvent,
  InstancesReport,
  LimitListing,
  RollbackReport,
  ScalingReport,
} from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { spawnLever } from "../harness/run-lever.ts";

let lever: RunningLever;
let folder: string;
let client: Client;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "instancesPerServiceMax=3"] });
  client = new Client({ forceHost: lever.address });
  folder = mkdtempSync(join(tmpdir(), "lever-operations-"));
  for (const version of [1, 2, 3]) await deploy("svc", version);
});

afterAll(async () => {
  await lever.stop();
  rmSync(folder, { recursive: true });
});

async function deploy(name: string, version: number, code = ""): Promise<void> {
  writeFileSync(join(folder, "lever.json"), JSON.stringify({ name, jsEntry: "server.js" }));
  const methods = `exports.version = () => ${version};
    exports.hold = (ms) => new Promise((done) => setTimeout(done, ms, ${version}));
    exports.exit = () => { console.log("so long"); process.exit(7); };`;
  writeFileSync(join(folder, "server.js"), `${methods}${code}`);
  await run("deploy", folder);
}

/** Standard output of a command that succeeds. */
async function run(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await lever.lever(args);
  expect(status, stderr).toBe(0);
  return stdout;
}

const json = async (...args: string[]): Promise<unknown> =>
  JSON.parse(await run(...args, "--json")) as unknown;

const version = async (): Promise<unknown> =>
  (await callMethod(lever.address, "/svc/version", [])).json();

describe("lever rollback", () => {
  it("goes back to the version before, to any that is kept, and forward again", async () => {
    expect(await version()).toBe(3);
    expect(await run("rollback", "svc")).toBe(
      "Version 2 of svc is live in dev.lever again, instead of version 3.\n",
    );
    expect(await version()).toBe(2);
    const report = (await json("rollback", "svc", "1")) as RollbackReport;
    expect(report).toMatchObject({ version: 1, previousVersion: 2 });
    expect(await version()).toBe(1);
    await run("rollback", "svc", "3");
    expect(await version()).toBe(3);
    expect(await run("rollback", "svc", "3")).toBe(
      "Version 3 of svc is live in dev.lever already.\n",
    );
  });

  it.each([
    [["svc", "9"], 3, "there is no version 9; kept are 3, 2, 1, and 3 is live."],
    [["nobody"], 3, "There is no service nobody in dev.lever."],
    [["svc", "x"], 2, "allowed is a number such as 3."],
  ])("refuses %j", async (args, status, text) => {
    const outcome = await lever.lever(["rollback", ...args]);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toContain(text);
  });

  it("leaves everything as it is when the version does not start any more", async () => {
    const mark = join(lever.dataDir, "services/dev.lever/brittle/gone");
    const code = `if (require("node:fs").existsSync(${JSON.stringify(mark)})) throw new Error("broken now");`;
    await deploy("brittle", 1, code);
    await deploy("brittle", 2);
    writeFileSync(mark, "");
    const outcome = await lever.lever(["rollback", "brittle"]);
    expect(outcome.status).toBe(3);
    expect(outcome.stderr).toContain("broken now");
    expect((await callMethod(lever.address, "/brittle/version", [])).json()).toBe(2);
  });

  it("survives a restart of the host", async () => {
    await run("rollback", "svc", "2");
    await lever.kill();
    const { dataDir } = lever;
    lever = await startLever({ dataDir, args: ["--limit", "instancesPerServiceMax=3"] });
    client = new Client({ forceHost: lever.address });
    expect(await version()).toBe(2);
  });
});

describe("lever ps", () => {
  it("shows instances with their state, load, memory and start", async () => {
    await version();
    let isShown = false;
    const caller = (async () => {
      while (!isShown)
        expect(await client.service("dev.lever", "svc").invoke("hold", 2_000)).toBe(2);
    })();
    let report: InstancesReport;
    do report = (await json("ps", "svc")) as InstancesReport;
    while (report.instances[0]?.callsInFlight !== 1);
    expect(report.instances).toHaveLength(1);
    expect(report.instances[0]).toMatchObject({
      service: "svc",
      version: 2,
      state: "ready",
      callsInFlight: 1,
      streamsInFlight: 0,
      resources: 0,
      ram: 128,
    });
    expect(report.instances[0]?.memoryBytes).toBeGreaterThan(5e6);
    expect(report.host.ramReserved).toBe(128);
    const table = await run("ps");
    expect(table).toMatch(
      /^INSTANCE +VERSION +STATE +CALLS +STREAMS +RESOURCES +MEMORY +AGE +STARTUP$/m,
    );
    expect(table).toMatch(/^svc-2-\w+ +2 +ready +1 +0 +0 +[\d.]+ MB of 128 MB/m);
    expect(table).toMatch(
      /^Host: 128 MB of .* reserved for instances, \d of \d warm processes ready/m,
    );
    isShown = true;
    await caller;
    expect((await lever.lever(["ps", "nobody"])).status).toBe(3);
  });

  it("shows them again and again with --watch", async () => {
    await using watching = spawned("ps", "svc", "--watch", "--json");
    const lines = watching.lines();
    for (let i = 0; i < 2; i++) {
      const { value } = await lines.next();
      expect((JSON.parse(String(value)) as InstancesReport).instances).toHaveLength(1);
    }
  });
});

describe("lever explain", () => {
  it("tells why there are as many instances as there are", async () => {
    let isExplained = false;
    const callers = Array.from({ length: 35 }, async () => {
      while (!isExplained) await client.service("dev.lever", "svc").invoke("hold", 1_000);
    });
    let report: ScalingReport;
    do report = (await json("explain", "svc")) as ScalingReport;
    while (report.now.needed < 4);
    expect(report.now).toMatchObject({ wanted: 3, reason: "maxInstances" });
    const text = await run("explain", "svc");
    expect(text).toMatch(/^svc version 2 has 3 instances\. It should have 3: /);
    expect(text).toContain("at most 3 are allowed (maxInstances in lever.json");
    expect(text).toMatch(
      /^AT \(UTC\) +WANTED +REASON +RUNNING +CALLS +WAITING +UNRESPONSIVE +BLOCKED BY$/m,
    );
    isExplained = true;
    await Promise.all(callers);
    const failed = await lever.lever(["explain", "nobody"]);
    expect([failed.status, failed.stderr]).toEqual([
      3,
      expect.stringContaining("There is no service nobody in dev.lever."),
    ]);
  });
});

describe("lever events", () => {
  it("tells what happened, and what happens", async () => {
    await using following = spawned("events", "svc", "--follow", "--json");
    const lines = following.lines();
    const next = async (event: string): Promise<HostEvent> => {
      while (true) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`The events ended before: ${event}`);
        const held = JSON.parse(value) as HostEvent;
        if (held.event === event) return held;
      }
    };
    expect(await next("instance ready")).toMatchObject({
      service: "svc",
      environment: "dev.lever",
    });
    expect((await callMethod(lever.address, "/svc/exit", [])).status).toBe(502);
    const failed = await next("instance failed");
    expect(failed).toMatchObject({ level: "warn", version: 2 });
    expect(failed["reason"]).toMatch(/exited with status 7\. Its last output:\nso long$/);
    const instance = String(failed["instance"]);
    const story = await run("events", "--instance", instance);
    expect(story).toMatch(/instance ready.*instance failed.*exited with status 7/s);
    expect(await run("why", instance)).toBe(story);
    const outcome = await lever.lever(["events", "svc", "--instance", instance]);
    expect([outcome.status, outcome.stderr]).toEqual([
      2,
      "lever: Cannot show the events: name a service or an instance, not both.\n",
    ]);
    expect((await lever.lever(["why", "nobody"])).status).toBe(3);
    const text = await run("events", "svc");
    expect(text).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}warn {3}instance failed {2}.*service=svc/m,
    );
    expect(await run("events")).toContain("info   host started");
  });
});

describe("lever limits", () => {
  it("tells each limit, its value, and where it was set", async () => {
    const limits = (await json("limits")) as LimitListing[];
    const named = limits.find(({ name }) => name === "instancesPerServiceMax");
    expect(named).toMatchObject({ value: 3, default: 20, setBy: "lever up --limit" });
    expect(limits.filter(({ setBy }) => setBy === "default")).toHaveLength(limits.length - 1);
    const table = await run("limits");
    expect(table).toMatch(
      /^instancesPerServiceMax +3 +lever up --limit \(default 20\) +Instances of a/m,
    );
    expect(table).toMatch(/^drainTimeoutMs +10000 +default +Time between TERM and KILL/m);
  });
});

interface Spawned extends AsyncDisposable {
  lines(): AsyncIterableIterator<string>;
}

/** A command that goes on until it is ended. */
function spawned(...args: string[]): Spawned {
  const child = spawnLever(args, { env: { LEVEROS_IP_PORT: lever.address } });
  const closed = once(child, "close");
  return {
    lines: () => createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await closed;
    },
  };
}
