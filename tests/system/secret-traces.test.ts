import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { InstancesReport } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

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
let client: Client;
/** All that anybody was told. */
const told: string[] = [];

beforeAll(async () => {
  lever = await startLever();
  client = new Client({ forceHost: lever.address });
  await run(["secret", "set", "TOKEN"], `${SECRET}\n`);
});

afterAll(() => lever.stop());

async function run(args: string[], input = ""): Promise<void> {
  const { stdout, stderr } = await lever.lever(args, { input });
  told.push(stdout, stderr);
}

async function deploy(files: Record<string, string>): Promise<number> {
  const { status, text } = await deployArchive(lever.address, serviceArchive(files));
  told.push(text);
  return status;
}

async function call(path: string): Promise<string> {
  const { text, headers } = await callMethod(lever.address, path, []);
  told.push(text, JSON.stringify(headers));
  return text;
}

/** Instances' processes, with all that they have started. */
async function processes(): Promise<number[]> {
  const report = (await client
    .service("admin.lever", "admin")
    .invoke("listInstances", "dev.lever")) as InstancesReport;
  told.push(JSON.stringify(report));
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

/** What was told to whoever looks at Lever from outside, as often as it may be. */
async function look(): Promise<void> {
  for (const command of ["events", "ps", "ls", "audit", "limits"]) {
    await run([command]);
    await run([command, "--json"]);
  }
  await run(["secret", "ls"]);
  await run(["var", "ls", "--json"]);
  const instances = new Set(told.join("\n").match(/(?<="instance":")[^"]+/g));
  expect(instances.size).toBeGreaterThan(0);
  for (const instance of instances) await run(["why", instance]);
}

it("a secret of a service leaves no traces, whatever becomes of the service", async () => {
  const files = {
    "lever.json": JSON.stringify({ name: "keeps", jsEntry: "server.js" }),
    "server.js": SERVICE,
  };
  expect(await deploy(files)).toBe(200);
  expect(await call("/keeps/length")).toBe(String(SECRET.length));
  for (const method of ["fail", "stray", "missing", "crash", "length", "abort"]) {
    await call(`/keeps/${method}`);
  }
  // It has the secret when it fails to load, too.
  expect(await deploy({ ...files, "server.js": `${SERVICE}\nnull.x;` })).not.toBe(200);
  expect(await deploy({ ...files, "server.js": `${SERVICE}\nexports.more = () => 1;` })).toBe(200);
  expect(await call("/keeps/length")).toBe(String(SECRET.length));
  await run(["invoke", "lever://dev.lever/keeps/fail"]);
  await look();
  const pids = await processes();
  expect(pids.length).toBeGreaterThan(0);
  for (const pid of [lever.pid, ...pids]) {
    expect(about(pid, "environ")).not.toContain(SECRET);
    expect(about(pid, "cmdline")).not.toContain(SECRET);
  }
  expect(filesWithSecret()).toEqual([]);
  expect(told.filter((text) => text.includes(SECRET))).toEqual([]);
  expect(lever.output() + lever.printed()).not.toContain(SECRET);
}, 30_000);

it("a secret of a program is in the program's environment, and nowhere else", async () => {
  const entry = ["node", "server.cjs"];
  const files = { "lever.json": JSON.stringify({ name: "program", entry }), "server.cjs": PROGRAM };
  expect(await deploy(files), told.at(-1)).toBe(200);
  await call("/program/anything");
  const holders = (await processes()).filter((pid) => about(pid, "environ").includes(SECRET));
  expect(holders).toHaveLength(1);
  await look();
  for (const pid of await processes()) expect(about(pid, "cmdline")).not.toContain(SECRET);
  expect(about(lever.pid, "environ")).not.toContain(SECRET);
  expect(filesWithSecret()).toEqual([]);
  expect(told.filter((text) => text.includes(SECRET))).toEqual([]);
  expect(lever.output() + lever.printed()).not.toContain(SECRET);
}, 30_000);
