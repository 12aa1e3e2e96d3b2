import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EnvironmentListing } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { archiveOf } from "../harness/archive.ts";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { Caller, keepCalling } from "../harness/load.ts";
import type { LeverRun } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

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

const deploy = (name: string, environment?: string): Promise<unknown> =>
  deployService(lever, testService(code, { name }), environment);

const read = async (service: string, name: string): Promise<unknown> =>
  (await callMethod(lever.address, `/${service}/read`, [name])).json();

const callPid = async (service: string): Promise<string> =>
  (await callMethod(lever.address, `/${service}/pid`, [])).text;

const setAll = (service: string, values: Record<string, string>): Promise<unknown> =>
  adminOf(lever).invoke("setVariables", "dev.lever", service, values);

async function run(args: string[], input = ""): Promise<string> {
  const { status, stdout, stderr } = await lever.lever(args, { input });
  expect(status, stderr).toBe(0);
  return stdout;
}

describe("variables", () => {
  describe("of an environment, and of one of its services", () => {
    let printed: string;

    beforeAll(async () => {
      printed = await run(["var", "set", "COLOR=red=ish"]);
      await run(["var", "set", "COLOR=blue", "--service", "two"]);
    });

    it("lever var set says for which services the variable is set", () => {
      expect(printed).toBe("COLOR is set for every service of dev.lever.\n");
    });

    it("every service of an environment sees its variables", async () => {
      expect(await read("one", "COLOR")).toBe("red=ish");
    });

    it("the variable of a service hides that of its environment", async () => {
      expect(await read("two", "COLOR")).toBe("blue");
    });

    it("lever var ls prints both variables of a name", async () => {
      expect(await run(["var", "ls"])).toMatch(
        /^COLOR +all +\d+s +red=ish\nCOLOR +two +\d+s +blue$/m,
      );
    });

    it("a service sees the environment's variable after its own is unset", async () => {
      await run(["var", "unset", "COLOR", "--service", "two"]);
      expect(await read("two", "COLOR")).toBe("red=ish");
    });
  });

  it("no call fails while changed variables replace the instances", async () => {
    using caller = new Caller(lever.address);
    const answers = new Set<string>();
    const load = keepCalling(
      8,
      () => caller.call("/one/slow"),
      ({ status, text }) => answers.add(`${status} ${text}`),
    );
    for (const mode of ["a", "b", "c"]) await run(["var", "set", `MODE=${mode}`]);
    await eventually(() => answers.has('200 "c"'));
    await load.stop();
    expect([...answers].every((answer) => answer.startsWith("200 "))).toBe(true);
  });

  describe("with which a service does not start", () => {
    let pidBefore: string;
    let outcome: LeverRun;

    beforeAll(async () => {
      pidBefore = (await callMethod(lever.address, "/one/pid", [])).text;
      outcome = await lever.lever(["var", "set", "MODE=broken", "--service", "one"]);
    });

    it("lever var set fails with the reason when a service does not start", () => {
      expect(outcome.status).toBe(3);
      expect(outcome.stderr).toContain("MODE is broken");
    });

    it("a service keeps its instance when it does not start with a variable", async () => {
      expect((await callMethod(lever.address, "/one/pid", [])).text).toBe(pidBefore);
    });

    it("a service starts after a variable that broke it is unset", async () => {
      await run(["var", "unset", "MODE", "--service", "one"]);
      expect(await read("one", "MODE")).toBe("c");
    });
  });

  it.each([
    [["var", "set", "novalue"], 2, "allowed is NAME=value"],
    [["var", "set"], 2, "none is given"],
    [["var", "set", "1A=x"], 3, "no digit first"],
    [["var", "set", "LEVEROS_SERVICE=x"], 3, "Lever itself sets it"],
    [["var", "unset", "NOTHING"], 3, "There is no variable NOTHING"],
    [["-E", "nowhere.lever", "var", "set", "A=x"], 3, "There is no environment nowhere.lever"],
    [["-E", "admin.lever", "var", "set", "A=x"], 3, "it manages Lever itself"],
  ])("lever %j is refused", async (args, status, text) => {
    const outcome = await lever.lever(args);
    expect([outcome.status, outcome.stderr]).toEqual([status, expect.stringContaining(text)]);
  });
});

describe("several variables at once", () => {
  it("lever var set sets those of a file and of its arguments, which win", async () => {
    const file = join(lever.dataDir, "several.env");
    writeFileSync(file, 'export FIRST=1\nSECOND="two\nlines" # comment\nTHIRD=file\n');
    const pid = await callPid("two");
    const printed = await run(["var", "set", "--file", file, "THIRD=argument", "--service", "two"]);
    expect(printed).toBe("FIRST, SECOND, THIRD are set for two.\n");
    const values = await Promise.all(["FIRST", "SECOND", "THIRD"].map((name) => read("two", name)));
    expect(values).toEqual(["1", "two\nlines", "argument"]);
    expect(await callPid("two")).not.toBe(pid);
  });

  it("variables of which one is not allowed are not set", async () => {
    const refused = await lever.lever(["var", "set", "FOURTH=4", "LEVEROS_SERVICE=x"]);
    expect([refused.status, refused.stderr]).toEqual([
      3,
      expect.stringContaining("Cannot set LEVEROS_SERVICE: Lever itself sets it."),
    ]);
    expect(await run(["var", "ls"])).not.toContain("FOURTH");
  });

  it("variables that are too many are refused with both limits", async () => {
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, of) => [`V${of}`, "x"]));
    await expect(setAll("one", many)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^Cannot set 1001 variables: one would see \d+ variables of \d+ bytes; allowed are at most 1000 \(variablesPerServiceMax\) of 1048576 bytes/,
      ),
    });
  });

  it("a service with an entry starts with as many bytes of variables as are allowed", async () => {
    const entry = ["python3", "-c", "import sys; sys.exit('started with all variables')"];
    const value = "€".repeat(32_768);
    const values = Object.fromEntries(Array.from({ length: 10 }, (_, of) => [`LARGE${of}`, value]));
    await setAll("full", values);
    const program = archiveOf([
      { path: "lever.json", body: JSON.stringify({ name: "full", entry }) },
    ]);
    await expect(deployService(lever, program)).rejects.toThrow("started with all variables");
    await expect(setAll("full", { MORE: value })).rejects.toMatchObject({
      message: expect.stringContaining("(variableBytesPerServiceMax)"),
    });
  }, 30_000);

  it("a variable of a service that is not deployed is set, and that is pointed out", async () => {
    const { status, stdout, stderr } = await lever.lever(["var", "set", "A=1", "--service", "tow"]);
    expect([status, stdout]).toEqual([0, "A is set for tow.\n"]);
    expect(stderr).toContain("dev.lever has no service tow yet.");
  });
});

describe("a secret of one service", () => {
  beforeAll(async () => {
    await run(["secret", "set", "TOKEN", "--service", "one"], `${SECRET}\n`);
  });

  it("a service sees its secret", async () => {
    expect(await read("one", "TOKEN")).toBe(SECRET);
  });

  it("a service does not see the secret of another one", async () => {
    expect(await read("two", "TOKEN")).toBeNull();
  });

  it("lever secret ls prints the name of a secret, not its value", async () => {
    expect(await run(["secret", "ls"])).toMatch(/^TOKEN +one +\d+s$/m);
  });

  it("listVariables returns no value of a secret", async () => {
    const listed = await adminOf(lever).invoke("listVariables", "dev.lever");
    expect(listed.find(({ name }) => name === "TOKEN")).toMatchObject({
      value: null,
      secret: true,
    });
  });

  it("a secret is in no file of the data folder", () => {
    const grep = (path: string): string => {
      try {
        return execFileSync("grep", ["-rlaF", SECRET, path], { encoding: "utf8" });
      } catch {
        return "";
      }
    };
    expect(readdirSync(lever.dataDir)).toContain("secret.key");
    expect(grep(lever.dataDir)).toBe("");
  });

  it("a secret is not in the log", () => {
    expect(lever.output()).not.toContain(SECRET);
  });

  it("a secret is not in the variables of the host's process", () => {
    for (const file of ["environ", "cmdline"]) {
      expect(readFileSync(join("/proc", String(lever.pid), file), "utf8")).not.toContain(SECRET);
    }
  });

  it("a service sees its secret after a crash of the host", async () => {
    await lever.kill();
    lever = await startLever({ dataDir: lever.dataDir });
    client = new Client({ forceHost: lever.address });
    expect(await read("one", "TOKEN")).toBe(SECRET);
  });
});

describe("environments", () => {
  const staged = (): Promise<unknown> =>
    client.service("staging.lever", "one").invoke("read", "COLOR");

  describe("a second one, with a service of the same name", () => {
    beforeAll(async () => {
      await run(["env", "create", "staging.lever"]);
      await deploy("one", "staging.lever");
      await run(["-E", "staging.lever", "var", "set", "COLOR=green"]);
    });

    it("an environment has variables of its own", async () => {
      expect(await staged()).toBe("green");
      expect(await read("one", "COLOR")).toBe("red=ish");
    });

    it("lever env ls prints environments with the number of their services", async () => {
      const listed = JSON.parse(await run(["env", "ls", "--json"])) as EnvironmentListing[];
      expect(listed.map(({ environment, services }) => [environment, services])).toEqual([
        ["dev.lever", 2],
        ["staging.lever", 1],
      ]);
    });

    it("lever env rm without --yes removes nothing, and says what it would remove", async () => {
      const { status, stdout, stderr } = await lever.lever(["env", "rm", "staging.lever"]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toBe(
        "lever: This removes the environment staging.lever with 1 service (one), 1 version and all their data, 1 variable.\nTo do it, add --yes.\n",
      );
    });

    it("the host refuses to remove an environment with services without force", async () => {
      await expect(
        adminOf(lever).invoke("removeEnvironment", "staging.lever"),
      ).rejects.toMatchObject({ message: expect.stringContaining("it has 1 services") });
    });

    describe("removed with --yes", () => {
      let pid: number;

      beforeAll(async () => {
        pid = Number(await client.service("staging.lever", "one").invoke("pid"));
        await run(["env", "rm", "staging.lever", "--yes"]);
      });

      it("calls in a removed environment fail", async () => {
        await expect(staged()).rejects.toMatchObject({ code: "unknown_environment" });
      });

      it("instances of a removed environment are stopped", () => {
        expect(() => process.kill(pid, 0)).toThrow();
      });

      it("data and code of a removed environment are deleted", () => {
        expect(readdirSync(join(lever.dataDir, "services"))).toEqual(["dev.lever"]);
        expect(readdirSync(join(lever.dataDir, "archives"))).toHaveLength(2);
      });

      it("an environment that is created again has no variables", async () => {
        await run(["env", "create", "staging.lever"]);
        expect(await adminOf(lever).invoke("listVariables", "staging.lever")).toEqual([]);
        await run(["env", "rm", "staging.lever"]);
      });
    });
  });

  it.each([
    [["env", "create", "dev.lever"], "There is an environment dev.lever already."],
    [["env", "create", "admin.lever"], "There is an environment admin.lever already."],
    [["env", "create", "a b"], "allowed is a host name"],
    [["env", "create", "a.lever:80"], "allowed is a host name"],
    [["env", "rm", "admin.lever"], "it manages Lever itself"],
    [["env", "rm", "nowhere.lever"], "There is no environment nowhere.lever"],
  ])("lever %j is refused", async (args, text) => {
    const outcome = await lever.lever(args);
    expect([outcome.status, outcome.stderr]).toEqual([3, expect.stringContaining(text)]);
  });

  it("setVariable reports no failed service when all start", async () => {
    const report = await adminOf(lever).invoke("setVariable", "dev.lever", "", "X", "1");
    expect(report.failed).toEqual([]);
  });
});
