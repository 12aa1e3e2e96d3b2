import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EnvironmentListing, RestartReport, VariableListing } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Caller, keepCalling } from "../../bench/load.ts";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const code = `
if (process.env.MODE === "broken") throw new Error("MODE is broken");
exports.read = (name) => process.env[name] ?? null;
exports.pid = () => process.pid;
exports.slow = () => new Promise((done) => setTimeout(() => done(process.env.MODE ?? null), 30));
`;
const SECRET = "correct-horse-battery-staple";

let lever: RunningLever;
let client: Client;

beforeAll(async () => {
  lever = await startLever();
  client = new Client({ forceHost: lever.address });
  for (const name of ["one", "two"]) await deploy(name);
});

afterAll(() => lever.stop());

async function deploy(name: string, environment = "dev.lever"): Promise<void> {
  const leverJson = JSON.stringify({ name, jsEntry: "server.js" });
  const archive = serviceArchive({ "lever.json": leverJson, "server.js": code });
  const answer = await deployArchive(lever.address, archive, environment);
  expect(answer.status, answer.text).toBe(200);
}

const admin = (method: string, ...args: unknown[]): Promise<unknown> =>
  client.service("admin.lever", "admin").invoke(method, ...args);

const read = async (service: string, name: string): Promise<unknown> =>
  (await callMethod(lever.address, `/${service}/read`, [name])).json();

async function run(args: string[], input = ""): Promise<string> {
  const { status, stdout, stderr } = await lever.lever(args, { input });
  expect(status, stderr).toBe(0);
  return stdout;
}

describe("variables", () => {
  it("are seen by every service of the environment, and those of one service win there", async () => {
    expect(await run(["var", "set", "COLOR=red=ish"])).toBe(
      "COLOR is set for every service of dev.lever.\n",
    );
    await run(["var", "set", "COLOR=blue", "--service", "two"]);
    expect([await read("one", "COLOR"), await read("two", "COLOR")]).toEqual(["red=ish", "blue"]);
    expect(await run(["var", "ls"])).toMatch(
      /^COLOR +all +\d+s +red=ish\nCOLOR +two +\d+s +blue$/m,
    );
    await run(["var", "unset", "COLOR", "--service", "two"]);
    expect(await read("two", "COLOR")).toBe("red=ish");
  });

  it("that change replace the instances, and no call fails", async () => {
    using caller = new Caller(lever.address);
    const answers = new Set<string>();
    const load = keepCalling(
      8,
      () => caller.call("/one/slow"),
      ({ status, text }) => answers.add(`${status} ${text}`),
    );
    for (const mode of ["a", "b", "c"]) await run(["var", "set", `MODE=${mode}`]);
    while (!answers.has('200 "c"')) await caller.call("/one/slow");
    await load.stop();
    expect([...answers].every((answer) => answer.startsWith("200 "))).toBe(true);
  });

  it("with which a service does not start leave it as it was", async () => {
    const before = (await callMethod(lever.address, "/one/pid", [])).text;
    const outcome = await lever.lever(["var", "set", "MODE=broken", "--service", "one"]);
    expect(outcome.status).toBe(3);
    expect(outcome.stderr).toContain("MODE is broken");
    expect((await callMethod(lever.address, "/one/pid", [])).text).toBe(before);
    await run(["var", "unset", "MODE", "--service", "one"]);
    expect(await read("one", "MODE")).toBe("c");
  });

  it.each([
    [["var", "set", "novalue"], 2, "allowed is NAME=value"],
    [["var", "set", "1A=x"], 3, "no digit first"],
    [["var", "set", "LEVEROS_SERVICE=x"], 3, "Lever itself sets it"],
    [["var", "unset", "NOTHING"], 3, "There is no variable NOTHING"],
    [["-E", "nowhere.lever", "var", "set", "A=x"], 3, "There is no environment nowhere.lever"],
    [["-E", "admin.lever", "var", "set", "A=x"], 3, "it manages Lever itself"],
  ])("%j is refused", async (args, status, text) => {
    const outcome = await lever.lever(args);
    expect([outcome.status, outcome.stderr]).toEqual([status, expect.stringContaining(text)]);
  });
});

describe("a secret", () => {
  it("is seen by its service, and by nobody else in any way", async () => {
    await run(["secret", "set", "TOKEN", "--service", "one"], `${SECRET}\n`);
    expect(await read("one", "TOKEN")).toBe(SECRET);
    expect(await read("two", "TOKEN")).toBeNull();
    expect(await run(["secret", "ls"])).toMatch(/^TOKEN +one +\d+s$/m);
    const listed = (await admin("listVariables", "dev.lever")) as VariableListing[];
    expect(listed.find(({ name }) => name === "TOKEN")).toMatchObject({
      value: null,
      secret: true,
    });
    // Not on disk, not in the log, not in what the system tells of the host's process.
    const grep = (path: string): string => {
      try {
        return execFileSync("grep", ["-rlaF", SECRET, path], { encoding: "utf8" });
      } catch {
        return "";
      }
    };
    expect(readdirSync(lever.dataDir)).toContain("secret.key");
    expect(grep(lever.dataDir)).toBe("");
    expect(lever.output()).not.toContain(SECRET);
    for (const file of ["environ", "cmdline"]) {
      expect(readFileSync(join("/proc", String(lever.pid), file), "utf8")).not.toContain(SECRET);
    }
  });

  it("is there again after a crash of the host", async () => {
    await lever.kill();
    lever = await startLever({ dataDir: lever.dataDir });
    client = new Client({ forceHost: lever.address });
    expect(await read("one", "TOKEN")).toBe(SECRET);
  });
});

describe("environments", () => {
  it("are created, have services and variables of their own, and go with them", async () => {
    await run(["env", "create", "staging.lever"]);
    await deploy("one", "staging.lever");
    await run(["-E", "staging.lever", "var", "set", "COLOR=green"]);
    const staged = (): Promise<unknown> =>
      client.service("staging.lever", "one").invoke("read", "COLOR");
    expect(await staged()).toBe("green");
    expect(await read("one", "COLOR")).toBe("red=ish");
    const listed = JSON.parse(await run(["env", "ls", "--json"])) as EnvironmentListing[];
    expect(listed.map(({ environment, services }) => [environment, services])).toEqual([
      ["dev.lever", 2],
      ["staging.lever", 1],
    ]);
    const pid = Number(await client.service("staging.lever", "one").invoke("pid"));
    const refused = await lever.lever(["env", "rm", "staging.lever"]);
    expect([refused.status, refused.stderr]).toEqual([
      3,
      expect.stringContaining("it has 1 services"),
    ]);
    await run(["env", "rm", "staging.lever", "--force"]);
    await expect(staged()).rejects.toMatchObject({ code: "unknown_environment" });
    expect(() => process.kill(pid, 0)).toThrow();
    expect(readdirSync(join(lever.dataDir, "services"))).toEqual(["dev.lever"]);
    expect(readdirSync(join(lever.dataDir, "archives"))).toHaveLength(2);
    // What comes again under the name has nothing of it.
    await run(["env", "create", "staging.lever"]);
    expect(await admin("listVariables", "staging.lever")).toEqual([]);
    await run(["env", "rm", "staging.lever"]);
  });

  it.each([
    [["env", "create", "dev.lever"], "There is an environment dev.lever already."],
    [["env", "create", "admin.lever"], "There is an environment admin.lever already."],
    [["env", "create", "a b"], "allowed is a host name"],
    [["env", "create", "a.lever:80"], "allowed is a host name"],
    [["env", "rm", "admin.lever"], "it manages Lever itself"],
    [["env", "rm", "nowhere.lever"], "There is no environment nowhere.lever"],
  ])("%j is refused", async (args, text) => {
    const outcome = await lever.lever(args);
    expect([outcome.status, outcome.stderr]).toEqual([3, expect.stringContaining(text)]);
  });

  it("tell what became of instances", async () => {
    const report = (await admin("setVariable", "dev.lever", "", "X", "1")) as RestartReport;
    expect(report.failed).toEqual([]);
  });
});
