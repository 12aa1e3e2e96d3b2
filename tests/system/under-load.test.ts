import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { archiveOf, serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  const archive = serviceArchive({
    "lever.json": '{"name": "greeter", "jsEntry": "server.js"}',
    "server.js": 'exports.sayHello = (name) => "Hello, " + name + "!";',
  });
  expect((await deployArchive(lever.address, archive)).status).toBe(200);
});

afterAll(() => lever.stop());

function callOver(agent: Agent, path: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `http://${lever.address}${path}?forceenv=dev.lever`,
      { method: "POST", agent, headers: { "content-type": "application/json" } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve(`${response.statusCode} ${text}`));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

it("answers 20,000 calls over 32 connections, and none fails", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  let next = 0;
  let failed = 0;
  const caller = async (): Promise<void> => {
    while (next < 20_000) {
      const mine = next++;
      const answer = await callOver(agent, "/greeter/sayHello", `["${mine}"]`);
      if (answer !== `200 "Hello, ${mine}!"`) failed++;
    }
  };
  await Promise.all(Array.from({ length: 32 }, caller));
  agent.destroy();
  expect([next, failed]).toEqual([20_000, 0]);
}, 120_000);

it("goes on answering while a deploy unpacks 30 MiB", async () => {
  const part = 64 * 1024;
  const archive = archiveOf([
    { path: "lever.json", body: '{"name": "large", "jsEntry": "server.js"}' },
    { path: "server.js", body: "exports.one = () => 1;" },
    ...Array.from({ length: 470 }, (_, index) => ({
      path: `part-${index}`,
      body: randomBytes(part),
    })),
  ]);
  expect(archive.length).toBeGreaterThan(29 * 1024 * 1024);
  let isDeployed = false;
  const deployed = deployArchive(lever.address, archive).then((answer) => {
    isDeployed = true;
    return answer;
  });
  let answered = 0;
  while (!isDeployed) {
    expect((await callMethod(lever.address, "/greeter/sayHello", ["you"])).status).toBe(200);
    answered++;
  }
  expect((await deployed).json()).toMatchObject({ service: "large", entries: 472 });
  expect(answered).toBeGreaterThan(10);
}, 60_000);

it("loses no call to a deploy, and every reply comes from one version", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const deploy = async (version: number): Promise<void> => {
    const archive = serviceArchive({
      "lever.json": '{"name": "changing", "jsEntry": "server.js"}',
      "server.js": `exports.which = async (ms) => { await new Promise((done) => setTimeout(done, ms)); return [${version}, ${version}]; };`,
    });
    expect((await deployArchive(lever.address, archive)).json()).toMatchObject({ version });
  };
  await deploy(1);
  let isDone = false;
  const answers = new Set<string>();
  const caller = async (holdMs: number): Promise<void> => {
    while (!isDone) answers.add(await callOver(agent, "/changing/which", `[${holdMs}]`));
  };
  const callers = Array.from({ length: 16 }, (_, index) => caller(index * 4));
  for (let version = 2; version <= 8; version++) await deploy(version);
  isDone = true;
  await Promise.all(callers);
  agent.destroy();
  const expected = Array.from({ length: 8 }, (_, index) => `200 [${index + 1},${index + 1}]`);
  for (const answer of answers) expect(expected).toContain(answer);
  expect(answers.size).toBeGreaterThan(4);
}, 120_000);
