import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf, instancesOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import type { LeverRun } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const code = `
const fs = require("node:fs");
const file = process.env.LEVEROS_DATA_DIR + "/note";
const read = () => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");
exports.print = (text) => console.log(text);
exports.note = (text) => fs.appendFileSync(file, text);
exports.read = read;
exports.color = () => process.env.COLOR ?? "none";
exports.pid = () => process.pid;
exports.hold = (callback) => {
  const timer = setInterval(() => { if (read().includes("go")) { clearInterval(timer); callback(null, "held"); } }, 5);
};
exports.openChan = (stream) => { stream.write("open"); };
exports.newResource = () => {};
exports.closeResource = (resource) => exports.note("closed " + resource);
`;

let dataDir: string;
let lever: RunningLever;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "lever-removal-"));
  lever = await startLever({ dataDir });
});

afterAll(async () => {
  await lever.stop();
  rmSync(dataDir, { recursive: true });
});

const deploy = (name: string): Promise<unknown> =>
  deployService(lever, testService(code, { name }));

async function call(path: string, ...args: unknown[]): Promise<unknown> {
  const answer = await callMethod(lever.address, path, args);
  return answer.status === 200 ? answer.json() : (answer.json() as { code: string }).code;
}

/** Begins a call that the service holds until its note says `go`. */
async function hold(service: string): Promise<{ held: Promise<unknown> }> {
  const held = call(`/${service}/hold`).catch(String);
  await eventually(async () => {
    const [first] = await instancesOf(lever, service);
    return first !== undefined && first.callsInFlight - first.streamsInFlight === 1;
  });
  return { held };
}

const letGo = (service: string): void =>
  writeFileSync(join(dataDir, "services/dev.lever", service, "note"), "go");

async function run(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await lever.lever(args);
  expect(status, stderr).toBe(0);
  return stdout;
}

describe("a service that is removed during a call and a stream", () => {
  let stream: RemoteStream;
  let asked: LeverRun;
  let printed: string;
  let answers: unknown[];
  let ended: unknown;

  beforeAll(async () => {
    await deploy("gone");
    await deploy("gone");
    await run("var", "set", "COLOR=red", "--service", "gone");
    asked = await lever.lever(["rm", "gone"]);
    const client = new Client({ forceHost: lever.address });
    stream = await client.service("dev.lever", "gone").invokeChan("openChan");
    const messages = stream[Symbol.asyncIterator]();
    await messages.next();
    const { held } = await hold("gone");
    const removed = run("rm", "gone", "--yes");
    ended = await messages.next().catch(String);
    const late = await call("/gone/pid");
    letGo("gone");
    answers = [await held, late];
    printed = await removed;
  });

  it("lever rm without --yes says what it would remove, and removes nothing", () => {
    expect([asked.status, asked.stdout]).toEqual([2, ""]);
    expect(asked.stderr).toBe(
      "lever: This removes gone from dev.lever with 2 versions and 1 instance, and its data, variables, secrets and logs.\nTo do it, add --yes.\n",
    );
  });

  it("a call in flight ends, and later ones get unknown_service", () => {
    expect(answers).toEqual(["held", "unknown_service"]);
    expect(printed).toBe("Removed gone from dev.lever.\n");
  });

  it("a stream of a removed service ends as unavailable, with the reason", () => {
    expect(ended).toContain("the service gone is removed.");
  });

  it("code, archives and data of a removed service are deleted", () => {
    expect(readdirSync(join(dataDir, "code"))).toEqual([]);
    expect(readdirSync(join(dataDir, "archives"))).toEqual([]);
    expect(existsSync(join(dataDir, "services/dev.lever/gone"))).toBe(false);
  });

  it("the logs of a removed service are deleted", async () => {
    expect(existsSync(join(dataDir, "logs/dev.lever/gone"))).toBe(false);
  });

  it("a service that is deployed again has neither data nor variables", async () => {
    expect(await deploy("gone")).toMatchObject({ version: 3 });
    expect([await call("/gone/read"), await call("/gone/color")]).toEqual(["", "none"]);
  });
});

describe("a service that is removed with --keep-data", () => {
  beforeAll(async () => {
    await deploy("kept");
    await run("var", "set", "COLOR=red", "--service", "kept");
    await call("/kept/room/pid");
    await call("/kept/print", "printed before");
    await run("rm", "kept", "--yes", "--keep-data");
  });

  it("its resources are closed, and its data and variables are there again", async () => {
    expect(await call("/kept/read")).toBe("unknown_service");
    await deploy("kept");
    expect(await call("/kept/read")).toBe("closed room");
    expect(await call("/kept/color")).toBe("red");
    expect(await run("logs", "kept", "--grep", "printed before")).toContain("kept-1-");
  });
});

describe("a version", () => {
  beforeAll(async () => {
    await deploy("many");
    await deploy("many");
  });

  it.each([
    [2, "conflict", "Cannot remove version 2 of many: it is live."],
    [9, "not_found", "Cannot remove version 9 of many: it is not kept; kept are 2, 1."],
  ])("the removal of version %d is refused as %s", async (version, reason, text) => {
    const removed = adminOf(lever).invoke("removeVersion", "dev.lever", "many", version);
    await expect(removed).rejects.toMatchObject({
      code: reason,
      message: expect.stringContaining(text),
    });
  });

  it("a version that is not live is removed with its code", async () => {
    const before = readdirSync(join(dataDir, "code")).length;
    await eventually(async () =>
      (await instancesOf(lever, "many")).every((of) => of.version === 2),
    );
    expect(await run("rm", "many", "--version", "1", "--yes")).toBe(
      "Removed version 1 of many from dev.lever.\n",
    );
    expect(readdirSync(join(dataDir, "code"))).toHaveLength(before - 1);
    const back = adminOf(lever).invoke("rollBackService", "dev.lever", "many");
    await expect(back).rejects.toThrow("there is no older version");
  });

  it("lever restart replaces the instances of a service", async () => {
    const before = await call("/many/pid");
    expect(await run("restart", "many")).toBe(
      "Restarted many version 2, which replaces 1 instance.\n",
    );
    expect(await call("/many/pid")).not.toBe(before);
  });

  it("lever stop-instance stops an instance, and refuses an unknown one", async () => {
    await call("/many/pid");
    const [instance] = await eventually(async () => {
      const found = await instancesOf(lever, "many");
      return found.length === 1 && found;
    });
    const id = instance?.instance ?? "";
    expect(await run("stop-instance", id)).toBe(`Stopped the instance ${id}.\n`);
    expect(await instancesOf(lever, "many")).toEqual([]);
    await expect(adminOf(lever).invoke("stopInstance", "dev.lever", id)).rejects.toMatchObject({
      code: "not_found",
    });
    expect(await adminOf(lever).invoke("restartService", "dev.lever", "many")).toMatchObject({
      isStarted: false,
    });
  });
});

describe("a removal that is cut off by kill -9", () => {
  beforeAll(async () => {
    await deploy("cut");
    await call("/cut/note", "old");
    await hold("cut");
    void adminOf(lever)
      .invoke("removeService", "dev.lever", "cut")
      .catch(() => {});
    // The store has decided. The instance still has its call.
    await eventually(async () => (await call("/cut/pid")) === "unknown_service");
    await lever.kill();
    lever = await startLever({ dataDir });
  });

  it("the service is gone after the next start, with its code and data", async () => {
    const listed = await adminOf(lever).invoke("listServices", "dev.lever");
    expect(listed.map(({ service }) => service)).not.toContain("cut");
    expect(existsSync(join(dataDir, "services/dev.lever/cut"))).toBe(false);
    const versions = listed.reduce((sum, { versions }) => sum + versions.length, 0);
    expect(readdirSync(join(dataDir, "code"))).toHaveLength(versions);
  });

  it("the same name is deployed without the data of the removed service", async () => {
    await deploy("cut");
    expect(await call("/cut/read")).toBe("");
  });
});

it("a service in a container is deployed again without the disk of the removed one", {
  tags: ["needs-containers"],
  timeout: 60_000,
}, async () => {
  await using boxed = await startLever({ isolation: "oci" });
  const admin = adminOf(boxed);
  const again = (): Promise<unknown> => deployService(boxed, testService(code, { name: "boxed" }));
  const read = async (): Promise<unknown> =>
    (await callMethod(boxed.address, "/boxed/read", [])).json();
  await again();
  await callMethod(boxed.address, "/boxed/note", ["old"]);
  expect(await read()).toBe("old");
  await admin.invoke("removeService", "dev.lever", "boxed", { keepData: true });
  await again();
  expect(await read()).toBe("old");
  await admin.invoke("removeService", "dev.lever", "boxed");
  expect(existsSync(join(boxed.dataDir, "disks/dev.lever/boxed"))).toBe(false);
  await again();
  expect(await read()).toBe("");
});
