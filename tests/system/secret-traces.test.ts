import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listInstances } from "../harness/admin.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { testService } from "../harness/test-service.ts";

const SECRET = "a-secret-that-leaves-no-traces";

const SERVICE = `
if (process.env.TOKEN === undefined) throw new Error("There is no token.");
exports.length = () => process.env.TOKEN.length;
exports.fail = (callback) => callback({ reason: "no" });
exports.stray = () => { setTimeout(() => { throw new Error("stray"); }); return new Promise(() => {}); };
exports.crash = () => process.exit(3);
exports.abort = () => process.abort();
`;

/** A program that has the secret, and does not serve calls. */
const PROGRAM = `
if (process.env.TOKEN === undefined) throw new Error("There is no token.");
const refusal = { ":status": 200, "content-type": "application/grpc+proto", "grpc-status": "12" };
const server = require("node:http2").createServer();
server.on("stream", (stream) => stream.respond(refusal, { endStream: true }));
server.listen(process.env.LEVEROS_LISTEN_PORT, "127.0.0.1");
`;

let lever: RunningLever;
/** Everything that commands and calls have printed or returned. */
const seen: string[] = [];

beforeAll(async () => {
  lever = await startLever();
  await run(["secret", "set", "TOKEN"], `${SECRET}\n`);
});

afterAll(() => lever.stop());

async function run(args: string[], input = ""): Promise<void> {
  const { stdout, stderr } = await lever.lever(args, { input });
  seen.push(stdout, stderr);
}

async function deploy(service: Buffer): Promise<number> {
  const { status, text } = await deployArchive(lever.address, service);
  seen.push(text);
  return status;
}

async function call(path: string): Promise<string> {
  const { text, headers } = await callMethod(lever.address, path, []);
  seen.push(text, JSON.stringify(headers));
  return text;
}

/** The processes of all instances, with those that they have started. */
async function processes(): Promise<number[]> {
  const report = await listInstances(lever);
  seen.push(JSON.stringify(report));
  const pids = report.instances.map(({ pid }) => pid);
  for (const pid of pids) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (children !== "") pids.push(...children.split(" ").map(Number));
  }
  return pids;
}

const about = (pid: number, file: "environ" | "cmdline"): string =>
  readFileSync(`/proc/${pid}/${file}`, "latin1");

function filesWithSecret(): string[] {
  const entries = readdirSync(lever.dataDir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(SECRET));
}

/** Collects the output of every command that shows something about services. */
async function collectOutput(): Promise<void> {
  for (const command of ["events", "ps", "ls", "audit", "limits"]) {
    await run([command]);
    await run([command, "--json"]);
  }
  await run(["secret", "ls"]);
  await run(["var", "ls", "--json"]);
  const instances = new Set(seen.join("\n").match(/(?<="instance":")[^"]+/g));
  expect(instances.size).toBeGreaterThan(0);
  for (const instance of instances) await run(["why", instance]);
}

/** The secret is in no file, no output, no log, and not in the host's variables. */
function testTraces(subject: string): void {
  it(`a secret of ${subject} is in no file of the host`, () => {
    expect(filesWithSecret()).toEqual([]);
  });

  it(`a secret of ${subject} is in no output of commands and calls`, () => {
    expect(seen.filter((text) => text.includes(SECRET))).toEqual([]);
  });

  it(`a secret of ${subject} is not in the log`, () => {
    expect(lever.output() + lever.printed()).not.toContain(SECRET);
  });

  it(`a secret of ${subject} is not in the variables of the host's process`, () => {
    expect(about(lever.pid, "environ")).not.toContain(SECRET);
    expect(about(lever.pid, "cmdline")).not.toContain(SECRET);
  });

  it(`a secret of ${subject} is on no command line`, async () => {
    const pids = await processes();
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) expect(about(pid, "cmdline")).not.toContain(SECRET);
  });
}

describe("a module that fails in every way", () => {
  const module = (code: string): Buffer => testService(code, { name: "keeps" });
  const lengths: string[] = [];
  const statuses: number[] = [];

  beforeAll(async () => {
    statuses.push(await deploy(module(SERVICE)));
    lengths.push(await call("/keeps/length"));
    for (const method of ["fail", "stray", "missing", "crash", "length", "abort"]) {
      await call(`/keeps/${method}`);
    }
    // A service that fails to load has the secret, too.
    statuses.push(await deploy(module(`${SERVICE}\nnull.x;`)));
    statuses.push(await deploy(module(`${SERVICE}\nexports.more = () => 1;`)));
    lengths.push(await call("/keeps/length"));
    await run(["invoke", "lever://dev.lever/keeps/fail"]);
    await collectOutput();
  }, 30_000);

  it("a module has its secret, also after it failed", () => {
    expect(statuses).toEqual([200, 500, 200]);
    expect(lengths).toEqual([String(SECRET.length), String(SECRET.length)]);
  });

  testTraces("a module");

  it("a secret of a module is not in the variables of its instance's process", async () => {
    for (const pid of await processes()) expect(about(pid, "environ")).not.toContain(SECRET);
  });
});

describe("a program that serves no calls", () => {
  beforeAll(async () => {
    const program = testService(
      { "server.cjs": PROGRAM },
      { name: "program", entry: ["node", "server.cjs"] },
    );
    expect(await deploy(program), seen.at(-1)).toBe(200);
    await call("/program/anything");
    await collectOutput();
  }, 30_000);

  it("a secret of a program is in the variables of the program only", async () => {
    await call("/program/anything");
    const holders = (await processes()).filter((pid) => about(pid, "environ").includes(SECRET));
    expect(holders).toHaveLength(1);
  });

  testTraces("a program");
});
