import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type {
  HostEvent,
  HostStatus,
  InstancesReport,
  LimitListing,
  RollbackReport,
  ScalingReport,
} from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { type LeverRun, spawnLever } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

let lever: RunningLever;
let client: Client;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "instancesPerServiceMax=3"] });
  client = new Client({ forceHost: lever.address });
  for (const version of [1, 2, 3]) await deploy("svc", version);
});

afterAll(() => lever.stop());

const deploy = (name: string, version: number, code = ""): Promise<unknown> =>
  deployService(
    lever,
    testService(
      `exports.version = () => ${version};
      exports.hold = (ms) => new Promise((done) => setTimeout(done, ms, ${version}));
      exports.exit = () => { console.log("so long"); process.exit(7); };
      ${code}`,
      { name },
    ),
  );

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
  it("lever rollback makes the version before live again", async () => {
    expect(await version()).toBe(3);
    expect(await run("rollback", "svc")).toBe(
      "Version 2 of svc is live in dev.lever again, instead of version 3.\n",
    );
    expect(await version()).toBe(2);
  });

  it("lever rollback with a version makes that version live", async () => {
    const report = (await json("rollback", "svc", "1")) as RollbackReport;
    expect(report).toMatchObject({ version: 1, previousVersion: 2 });
    expect(await version()).toBe(1);
  });

  it("lever rollback makes a newer version live again", async () => {
    await run("rollback", "svc", "3");
    expect(await version()).toBe(3);
  });

  it("lever rollback to the live version says that it is live", async () => {
    expect(await run("rollback", "svc", "3")).toBe(
      "Version 3 of svc is live in dev.lever already.\n",
    );
  });

  it.each([
    [["svc", "9"], 3, "there is no version 9; kept are 3, 2, 1, and 3 is live."],
    [["nobody"], 3, "There is no service nobody in dev.lever."],
    [["svc", "x"], 2, "allowed is a number such as 3."],
  ])("lever rollback refuses %j", async (args, status, text) => {
    const outcome = await lever.lever(["rollback", ...args]);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toContain(text);
  });

  describe("to a version that no longer starts", () => {
    let outcome: LeverRun;

    beforeAll(async () => {
      const mark = join(lever.dataDir, "services/dev.lever/brittle/gone");
      const code = `if (require("node:fs").existsSync(${JSON.stringify(mark)})) throw new Error("broken now");`;
      await deploy("brittle", 1, code);
      await deploy("brittle", 2);
      writeFileSync(mark, "");
      outcome = await lever.lever(["rollback", "brittle"]);
    });

    it("lever rollback to a version that no longer starts fails with the reason", () => {
      expect(outcome.status).toBe(3);
      expect(outcome.stderr).toContain("broken now");
    });

    it("the live version stays when a rollback fails", async () => {
      expect((await callMethod(lever.address, "/brittle/version", [])).json()).toBe(2);
    });
  });

  it("a rollback survives a crash of the host", async () => {
    await run("rollback", "svc", "2");
    await lever.kill();
    const { dataDir } = lever;
    lever = await startLever({ dataDir, args: ["--limit", "instancesPerServiceMax=3"] });
    client = new Client({ forceHost: lever.address });
    expect(await version()).toBe(2);
  });
});

/** Keeps so many calls of `svc` open until `stop`, which returns their results. */
function holdCalls(count: number): { stop(): Promise<unknown[]> } {
  let isStopped = false;
  const results: unknown[] = [];
  const callers = Array.from({ length: count }, async () => {
    while (!isStopped) results.push(await client.service("dev.lever", "svc").invoke("hold", 1_000));
  });
  return {
    async stop() {
      isStopped = true;
      await Promise.all(callers);
      return results;
    },
  };
}

describe("lever ps during a call", () => {
  let report: InstancesReport;
  let table: string;

  beforeAll(async () => {
    await version();
    const calls = holdCalls(1);
    report = await eventually(async () => {
      const shown = (await json("ps", "svc")) as InstancesReport;
      return shown.instances[0]?.callsInFlight === 1 && shown;
    });
    table = await run("ps");
    expect(new Set(await calls.stop())).toEqual(new Set([2]));
  });

  it("lever ps --json has the state, load and memory of each instance", () => {
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
  });

  it("lever ps prints a row for each instance", () => {
    expect(table).toMatch(
      /^INSTANCE +VERSION +STATE +CALLS +STREAMS +RESOURCES +MEMORY +AGE +STARTUP$/m,
    );
    expect(table).toMatch(/^svc-2-\w+ +2 +ready +1 +0 +0 +[\d.]+ MB of 128 MB/m);
  });

  it("lever ps prints a line about the host", () => {
    expect(table).toMatch(
      /^Host: 128 MB of .* reserved for instances, \d of \d warm processes ready/m,
    );
  });

  it("lever ps of an unknown service exits with status 3", async () => {
    expect((await lever.lever(["ps", "nobody"])).status).toBe(3);
  });

  it("lever ps --watch prints the instances again and again", async () => {
    await using watching = spawned("ps", "svc", "--watch", "--json");
    const lines = watching.lines();
    for (let i = 0; i < 2; i++) {
      const { value } = await lines.next();
      expect((JSON.parse(String(value)) as InstancesReport).instances).toHaveLength(1);
    }
  });
});

describe("lever explain during 35 calls", () => {
  let report: ScalingReport;
  let text: string;

  beforeAll(async () => {
    const calls = holdCalls(35);
    report = await eventually(async () => {
      const explained = (await json("explain", "svc")) as ScalingReport;
      return explained.now.needed >= 4 && explained;
    });
    text = await run("explain", "svc");
    await calls.stop();
  });

  it("lever explain --json has the reason for the number of instances", () => {
    expect(report.now).toMatchObject({ wanted: 3, reason: "maxInstances" });
  });

  it("lever explain says how many instances there are, and why", () => {
    expect(text).toMatch(/^svc version 2 has 3 instances\. It should have 3: /);
    expect(text).toContain("at most 3 are allowed (maxInstances in lever.json");
  });

  it("lever explain prints a table of the last decisions", () => {
    expect(text).toMatch(
      /^AT \(UTC\) +WANTED +REASON +RUNNING +CALLS +WAITING +UNRESPONSIVE +BLOCKED BY$/m,
    );
  });

  it("lever explain of an unknown service exits with status 3", async () => {
    const failed = await lever.lever(["explain", "nobody"]);
    expect([failed.status, failed.stderr]).toEqual([
      3,
      expect.stringContaining("There is no service nobody in dev.lever."),
    ]);
  });
});

describe("lever events of an instance that fails", () => {
  let ready: HostEvent;
  let failed: HostEvent;
  let instance: string;
  let story: string;

  beforeAll(async () => {
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
    ready = await next("instance ready");
    expect((await callMethod(lever.address, "/svc/exit", [])).status).toBe(502);
    failed = await next("instance failed");
    instance = String(failed["instance"]);
    story = await run("events", "--instance", instance);
  });

  it("lever events --follow begins with earlier events", () => {
    expect(ready).toMatchObject({ service: "svc", environment: "dev.lever" });
  });

  it("lever events --follow prints events as they happen", () => {
    expect(failed).toMatchObject({ level: "warn", version: 2 });
    expect(failed["reason"]).toMatch(/exited with status 7\. Its last output:\nso long$/);
  });

  it("lever logs --host prints the host's own events, of all environments", async () => {
    const log = await run("logs", "--host", "--grep", "host");
    expect(log).toMatch(/ {2}info {3}host started {2}bind=127\.0\.0\.1 /);
    const warnings = await run("logs", "--host", "--level", "warn");
    expect(warnings).toMatch(/instance failed {2}environment=dev\.lever {2}service=svc/);
    expect(warnings).not.toContain("  info ");
    const refused = await lever.lever(["logs", "svc", "--host"]);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining("--host goes")]);
  });

  it("lever events --instance prints all events of an instance", () => {
    expect(story).toMatch(/instance ready.*instance failed.*exited with status 7/s);
  });

  it("lever why prints the same as lever events --instance", async () => {
    expect(await run("why", instance)).toBe(story);
  });

  it("lever events refuses a service with an instance", async () => {
    const outcome = await lever.lever(["events", "svc", "--instance", instance]);
    expect([outcome.status, outcome.stderr]).toEqual([
      2,
      "lever: Cannot show the events: name a service or an instance, not both.\n",
    ]);
  });

  it("lever why of an unknown instance exits with status 3", async () => {
    expect((await lever.lever(["why", "nobody"])).status).toBe(3);
  });

  it("lever events prints a line with time, level, event and fields", async () => {
    expect(await run("events", "svc")).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}warn {3}instance failed {2}.*service=svc/m,
    );
  });

  it("lever events says why an instance was stopped", async () => {
    expect(await run("events", "svc")).toMatch(/instance stopped .*reason="version 2 is live now"/);
  });

  it("lever events without a service prints the host's events, too", async () => {
    expect(await run("events")).toContain("info   host started");
  });
});

describe("lever ls of the admin service", () => {
  it("lever ls in admin.lever shows the admin service as Lever itself", async () => {
    expect(await run("-E", "admin.lever", "ls")).toMatch(
      /^admin +the host +Lever itself +\d+ methods$/m,
    );
  });
});

describe("lever status", () => {
  it("lever status --json describes the host, its disk and its database", async () => {
    const status = (await json("status")) as HostStatus;
    expect(status).toMatchObject({
      pid: lever.pid,
      notReady: null,
      isolation: "process",
      environments: 1,
      disk: { dataDir: lever.dataDir },
    });
    expect(status.services).toBeGreaterThan(0);
    expect(status.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(lever.address).toBe(`${status.bind}:${status.port}`);
    expect(status.disk.freeBytes).toBeLessThan(status.disk.totalBytes);
    expect(status.database.bytes).toBeGreaterThan(1_000);
  });
});

describe("lever limits", () => {
  it("lever limits --json says where each limit was set", async () => {
    const limits = (await json("limits")) as LimitListing[];
    const named = limits.find(({ name }) => name === "instancesPerServiceMax");
    expect(named).toMatchObject({ value: 3, default: 20, setBy: "lever up --limit" });
    expect(limits.filter(({ setBy }) => setBy === "default")).toHaveLength(limits.length - 1);
  });

  it("lever limits prints each limit with its value and its source", async () => {
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

/** A command that goes on until it is stopped. */
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
