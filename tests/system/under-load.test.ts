// @module-tag alone
import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  const code = 'exports.sayHello = (name) => "Hello, " + name + "!";';
  await deployService(lever, testService(code, { name: "greeter" }));
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

it("none of 20,000 calls over 32 connections fails", async () => {
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

it("calls are answered while a deploy unpacks 30 MiB", async () => {
  const part = 64 * 1024;
  const parts = Array.from({ length: 470 }, (_, index) => [`part-${index}`, randomBytes(part)]);
  const archive = testService(
    { "server.js": "exports.one = () => 1;", ...Object.fromEntries(parts) },
    { name: "large" },
  );
  expect(archive.length).toBeGreaterThan(29 * 1024 * 1024);
  let isDeployed = false;
  const deployed = deployService(lever, archive).then((report) => {
    isDeployed = true;
    return report;
  });
  let answered = 0;
  while (!isDeployed) {
    expect((await callMethod(lever.address, "/greeter/sayHello", ["you"])).status).toBe(200);
    answered++;
  }
  expect(await deployed).toMatchObject({ service: "large", entries: 472 });
  expect(answered).toBeGreaterThan(10);
}, 60_000);

describe("calls during seven deploys", () => {
  const answers = new Set<string>();

  beforeAll(async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const deploy = async (version: number): Promise<void> => {
      const code = `exports.which = async (ms) => { await new Promise((done) => setTimeout(done, ms)); return [${version}, ${version}]; };`;
      const report = await deployService(lever, testService(code, { name: "changing" }));
      expect(report).toMatchObject({ version });
    };
    await deploy(1);
    let isDone = false;
    const caller = async (holdMs: number): Promise<void> => {
      while (!isDone) answers.add(await callOver(agent, "/changing/which", `[${holdMs}]`));
    };
    const callers = Array.from({ length: 16 }, (_, index) => caller(index * 4));
    for (let version = 2; version <= 8; version++) await deploy(version);
    isDone = true;
    await Promise.all(callers);
    agent.destroy();
  }, 120_000);

  it("no call fails during deploys", () => {
    for (const answer of answers) expect(answer).toMatch(/^200 /);
  });

  it("every reply during deploys comes from one version", () => {
    const expected = Array.from({ length: 8 }, (_, index) => `200 [${index + 1},${index + 1}]`);
    for (const answer of answers) expect(expected).toContain(answer);
    expect(answers.size).toBeGreaterThan(4);
  });
});

describe("a service that may have one instance", () => {
  beforeAll(async () => {
    const code = "exports.wait = () => new Promise((done) => setTimeout(done, 5, 'waited'));";
    await deployService(lever, testService(code, { name: "narrow", maxInstances: 1 }));
  });

  it.each([24, 40])("%i callers of a method of 5 ms are not refused", async (callers) => {
    const agent = new Agent({ keepAlive: true, maxSockets: callers });
    const answers = new Set<string>();
    const caller = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) answers.add(await callOver(agent, "/narrow/wait", "[]"));
    };
    await Promise.all(Array.from({ length: callers }, caller));
    agent.destroy();
    expect([...answers]).toEqual(['200 "waited"']);
  });
});
