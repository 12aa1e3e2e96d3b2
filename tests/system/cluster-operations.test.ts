// @module-tag needs-postgres
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostsReport } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { eventually } from "../harness/eventually.ts";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever, stopAllLevers } from "../harness/lever.ts";
import type { LogEvent } from "../harness/log-events.ts";
import { type LeverRun, leverBin, runLever } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";
import { typeCommand } from "./readme-commands.ts";

let cluster: TestCluster;
let a: RunningLever;
let b: RunningLever;
let c: RunningLever;
/** Allows everything. */
let token: string;

/** A call of each kind, and resources that know their owner. */
const WORK = `
  const { callContext } = require("leveros");
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  exports.fast = () => "done";
  exports.slow = () => pause(300).then(() => "done");
  exports.countChan = async function* () {
    for (let number = 1; number <= 10; number++) {
      yield number;
      await pause(30);
    }
  };
  exports.owner = () => [callContext().instance, callContext().epoch];
`;

beforeAll(async () => {
  cluster = await startCluster();
  a = await cluster.start("a", ["--found"]);
  ({ token } = await adminOf(a).invoke("createToken", { environments: ["*"], rights: ["admin"] }));
  [b, c] = await Promise.all([cluster.start("b"), cluster.start("c")]);
}, 120_000);
afterAll(async () => {
  await stopAllLevers();
  await cluster?.[Symbol.asyncDispose]();
});

const deployWork = (host: RunningLever, name: string) =>
  deployService(host, testService(WORK, { name }), "dev.lever", token);
const hostsOf = async (host: RunningLever): Promise<HostsReport> =>
  await adminOf(host, token).invoke("listHosts");
const stateOf = async (name: string): Promise<string | undefined> =>
  (await hostsOf(a)).hosts.find(({ host }) => host === name)?.state;
const lever = (host: RunningLever, ...words: readonly string[]): Promise<LeverRun> =>
  host.lever(words, { env: { LEVEROS_TOKEN: token } });
const readiness = async (host: RunningLever): Promise<string> => {
  const { status, text } = await httpCall(host.address, "/-/ready", { method: "GET" });
  return `${status} ${text}`;
};

/** The instance that has a resource, and its epoch. */
const ownerOf = async (host: RunningLever, name: string): Promise<[string, number]> =>
  (await new Client({ forceHost: host.address, token })
    .resource("dev.lever", name, "r0")
    .invoke("owner")) as [string, number];

/** Calls of every kind through the hosts, again and again. */
class Load {
  done = 0;
  readonly failures: string[] = [];
  readonly #loops: readonly Promise<void>[];
  #isOver = false;

  /** Streams of a host that stops end: their callers open them again. */
  constructor(name: string, hosts: readonly RunningLever[], { hasStreams = true } = {}) {
    this.#loops = hosts.flatMap((host) => {
      const client = new Client({ forceHost: host.address, token });
      const service = client.service("dev.lever", name);
      const resources = [0, 1, 2].map((at) => client.resource("dev.lever", name, `r${at}`));
      return [
        this.#repeat(async () => expect(await service.invoke("fast")).toBe("done")),
        this.#repeat(async () => expect(await service.invoke("slow")).toBe("done")),
        ...(hasStreams ? [this.#repeat(() => this.#count(service))] : []),
        ...resources.map((resource) => this.#repeat(() => resource.invoke("owner"))),
      ];
    });
  }

  async #count(service: ReturnType<Client["service"]>): Promise<void> {
    const got: unknown[] = [];
    for await (const number of await service.invokeChan("countChan")) got.push(number);
    expect(got).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  }

  /** Resolves when so many more calls have ended well. */
  async more(count: number): Promise<void> {
    const until = this.done + count;
    await eventually(() => this.done >= until || this.failures.length > 0);
  }

  /** Resolves to what failed, when all calls have ended. */
  async stop(): Promise<readonly string[]> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    return this.failures;
  }

  async #repeat(call: () => Promise<unknown>): Promise<void> {
    while (!this.#isOver) {
      await call().then(
        () => this.done++,
        (error: unknown) => {
          // On a busy machine, a claim may take longer than Lever waits for the database.
          if (!String(error).includes("the cluster's database does not answer")) {
            this.failures.push(String(error));
          }
        },
      );
    }
  }
}

describe("a host that is drained", () => {
  it("loses no call, stream or resource under load, and passes calls on", async () => {
    await deployWork(c, "busy");
    // The host of the deploy has the first instance.
    const owner = await ownerOf(c, "busy");
    const load = new Load("busy", [a, b, c]);
    await load.more(100);
    const run = await lever(a, "hosts", "drain", "c");
    expect([run.status, run.stdout]).toEqual([0, expect.stringContaining("c is drained")]);
    expect(await readiness(c)).toMatch(/^503 .*Cannot take calls: this host is drained/);
    await load.more(100);
    expect(await load.stop()).toEqual([]);
    const after = await ownerOf(c, "busy");
    expect(after[1]).toBeGreaterThan(owner[1]);
    expect(await ownerOf(b, "busy")).toEqual(after);
  });

  it("stays drained over a restart, until it is resumed", async () => {
    await c.stop();
    c = await cluster.start("c");
    await eventually(async () => (await stateOf("c")) === "drained");
    expect(await readiness(c)).toContain("503");
    expect((await lever(b, "hosts", "resume", "c")).stdout).toBe("c takes calls again.\n");
    await c.event("host resumed");
    await eventually(async () => (await readiness(c)).startsWith("200"));
  });

  it("must not be the last one that takes calls", async () => {
    const runs: LeverRun[] = [];
    for (const name of ["b", "c", "a"]) runs.push(await lever(a, "hosts", "drain", name));
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 3]);
    expect(runs[2]?.stderr).toContain(
      "Cannot drain the host a: no other host would take its calls. Start or resume another one.",
    );
    expect((await lever(a, "hosts", "drain", "b")).stderr).toContain("b drains already");
    for (const name of ["b", "c"]) await lever(a, "hosts", "resume", name);
  });

  it.each([
    [["drain", "x"], "the cluster has none of this name. It has: a, b, c."],
    [["resume", "b"], "Cannot resume the host b: it was not drained."],
    [["remove", "b"], "Cannot remove the host b: it runs. Stop it first"],
    [["drain"], "Cannot drain a host without its name: write lever hosts drain HOST."],
  ])("lever hosts %j is refused with a sentence", async (words, sentence) => {
    const run = await lever(a, "hosts", ...words);
    expect(run.stderr).toContain(sentence);
    expect(run.status).toBe(words.length === 1 ? 2 : 3);
  });
});

it("a deploy starts an instance on each host that runs the service before the version goes live", async () => {
  const ahead = (answer: string) =>
    testService(
      `exports.answer = () => new Promise((resolve) => setTimeout(resolve, 200, "${answer}"));`,
      {
        name: "ahead",
        maxInstanceLoad: 1,
      },
    );
  await deployService(a, ahead("one"), "dev.lever", token);
  const hosts = [a, b, c];
  // Too many calls for the instances of one host.
  await Promise.all(
    [...hosts, ...hosts, ...hosts, ...hosts].map((host) =>
      new Client({ forceHost: host.address, token }).service("dev.lever", "ahead").invoke("answer"),
    ),
  );
  const readyOn = (host: RunningLever, version: unknown): LogEvent | undefined =>
    host
      .events()
      .find(
        (of) =>
          of.msg === "instance ready" && of["service"] === "ahead" && of["version"] === version,
      );
  const running = hosts.filter((host) => readyOn(host, 1) !== undefined);
  expect(running.length).toBeGreaterThan(1);
  const { version } = await deployService(a, ahead("two"), "dev.lever", token);
  const deployed = await a.event("deployed", { service: "ahead", version });
  for (const host of running) {
    expect(Number(readyOn(host, version)?.["time"])).toBeLessThanOrEqual(Number(deployed["time"]));
  }
});

it("a host that stops in order leaves: its resources are free at once, and no call of others fails", async () => {
  await deployWork(c, "leaving");
  const owner = await ownerOf(c, "leaving");
  const load = new Load("leaving", [a, b], { hasStreams: false });
  await load.more(50);
  expect(await c.stop()).toBe(0);
  await load.more(50);
  expect(await load.stop()).toEqual([]);
  expect((await ownerOf(b, "leaving"))[1]).toBeGreaterThan(owner[1]);
  // The hosts are read each second.
  await eventually(async () => (await stateOf("c")) === "left");
  expect((await lever(b, "hosts", "remove", "c")).stdout).toBe(
    "Removed c from the list of hosts.\n",
  );
  expect(await stateOf("c")).toBeUndefined();
  c = await cluster.start("c");
  await eventually(async () => (await stateOf("c")) === "active");
});

describe("a backup of the cluster", () => {
  const kept = (answer: string) =>
    testService(`exports.answer = () => ["${answer}", process.env.KEY];`, { name: "kept" });
  const ask = (host: RunningLever): Promise<unknown> =>
    new Client({ forceHost: host.address, token }).service("dev.lever", "kept").invoke("answer");
  const restore = (...words: readonly string[]): Promise<LeverRun> =>
    runLever(["restore", cluster.dataDir("lever.backup"), ...words]);

  beforeAll(async () => {
    await deployService(a, kept("first"), "dev.lever", token);
    await adminOf(a, token).invoke("setVariable", "dev.lever", "kept", "KEY", "x1", {
      secret: true,
    });
  });

  it("is written by any host, without the key", async () => {
    const run = await lever(b, "backup", cluster.dataDir("lever.backup"));
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(
      /its secrets are sealed with the key \S+ of the cluster\. Keep the key/,
    );
  });

  it("brings all hosts back to it, with secrets, and epochs go on above all earlier ones", async () => {
    const before = await ownerOf(a, "busy");
    await deployService(c, kept("second"), "dev.lever", token);
    await adminOf(b, token).invoke("unsetVariable", "dev.lever", "kept", "KEY");
    await adminOf(b, token).invoke("createEnvironment", "late.lever");
    const asked = await restore(...cluster.args);
    expect([asked.status, asked.stderr]).toEqual([2, expect.stringContaining("add --yes")]);
    const run = await restore(...cluster.args, "--yes");
    expect([run.status, run.stdout]).toEqual([0, expect.stringContaining("into the cluster")]);
    for (const host of [a, b, c]) {
      await eventually(async () => {
        expect(await ask(host)).toEqual(["first", "x1"]);
        return true;
      });
      const environments = await adminOf(host, token).invoke("listEnvironments");
      expect(environments.map(({ environment }) => environment)).toEqual(["dev.lever"]);
    }
    expect(a.events().filter(({ msg }) => msg === "state reloaded")).toMatchObject([
      { reason: "a backup was restored" },
    ]);
    const [, epoch] = (await new Client({ forceHost: a.address, token })
      .resource("dev.lever", "busy", "later")
      .invoke("owner")) as [string, number];
    expect(epoch).toBeGreaterThan(before[1]);
  });

  it("becomes the folder of a single host, with the key of the cluster", async () => {
    const dataDir = cluster.dataDir("solo");
    const refused = await restore("--data", dataDir);
    expect([refused.status, refused.stderr]).toEqual([
      3,
      expect.stringMatching(/it is of the cluster \w+, whose secrets need its key\. Name it with/),
    ]);
    expect((await restore("--data", dataDir, ...cluster.args.slice(2))).status).toBe(0);
    await using solo = await startLever({ dataDir });
    expect(await ask(solo)).toEqual(["first", "x1"]);
  });
});

describe("docs/guide/many-machines.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/guide/many-machines.md"), "utf8");
  const blocks = (mark: string): string[] =>
    [...page.matchAll(/^<!-- (.+?) -->\n```\w+\n(.*?)^```$/gms)].flatMap(([, found, code = ""]) =>
      found === mark ? [code.trim()] : [],
    );

  it("its hosts start with the options that it shows", async () => {
    const [line = ""] = blocks("start");
    const [url = "", , keyFile = ""] = cluster.args.slice(1);
    const words = line
      .replace(/ --tls-\w+ \S+/g, "")
      .replace("postgres://lever@db.example/lever", url)
      .replace("cluster.key", keyFile)
      .replaceAll(/10\.0\.0\.11(?::\d+)?/g, "127.0.0.1")
      .split(" ");
    const run = await cluster.refused("guide", words.slice(2));
    expect(run.stderr).toContain("already. Start without --found, and this host joins it.");
  });

  it("every command of it succeeds", async () => {
    const cwd = cluster.dataDir("typed");
    mkdirSync(cwd);
    const shell = `set -e; export LEVEROS_TOKEN=${token}; lever() { '${process.execPath}' '${leverBin}' "$@"; }`;
    for (const block of blocks("cluster")) {
      const command = block
        .replaceAll("postgres://lever@db.example/lever", cluster.args[1] ?? "")
        .replaceAll("host-2", "b")
        // The database of tests does not sync, which doctor reports.
        .replace(/^lever doctor .*$/m, "$& || test $? = 1");
      await typeCommand(`${shell}\n${command}`, { cwd, address: a.address });
    }
  }, 120_000);

  it("a lower epoch changes no row, and a restored database gets higher ones", async () => {
    await using client = await cluster.database.connect("lever1", "lever");
    const [create = "", write = "", raise = ""] = blocks("sql");
    await client.query(create);
    const rows: (number | null)[] = [];
    for (const epoch of [5, 4, 5, 6]) {
      rows.push((await client.query(write, ["lobby", epoch, "[]"])).rowCount);
    }
    expect(rows).toEqual([1, 0, 1, 1]);
    const reloads = (): number => b.events().filter(({ msg }) => msg === "state reloaded").length;
    const before = reloads();
    await client.query(raise);
    await eventually(() => reloads() > before);
  });
});
