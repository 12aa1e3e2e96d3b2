import { rmSync } from "node:fs";
import type { CallRecord, CallTrace } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const shop = `
const { Client } = require("leveros");
const client = new Client();
let go;
exports.hello = (name) => name;
exports.checkout = async () => { await client.invokeURL("/pay/check"); return client.invokeURL("/pay/charge", 1); };
exports.holds = () => new Promise((resolve) => { go = resolve; });
exports.go = () => go("done");
`;
const pay = `
exports.check = () => 1;
exports.charge = () => { throw new TypeError('cannot read "total"'); };
`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "traceSampledEach=0"] });
  await deployService(lever, testService(shop, { name: "shop" }));
  await deployService(lever, testService(pay, { name: "pay" }));
});

afterAll(async () => {
  await lever.stop();
});

async function calls(...args: string[]): Promise<CallRecord[]> {
  const run = await lever.lever(["calls", ...args, "--json"]);
  expect(run).toMatchObject({ status: 0, stderr: "" });
  return run.stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CallRecord);
}

describe("calls and traces", () => {
  let id: string;

  beforeAll(async () => {
    await callMethod(lever.address, "/shop/hello", ["x"]);
    id = String((await callMethod(lever.address, "/shop/checkout", [])).headers["lever-call"]);
  });

  it("the trace of a failed call shows what it called, and which call failed", async () => {
    const run = await lever.lever(["trace", id]);
    expect(run.status).toBe(0);
    expect(run.stdout).toMatch(new RegExp(`^${id}  3 calls, .*, 2 failed`));
    const order = ["shop/checkout", "pay/check", "pay/charge", 'cannot read "total"'];
    expect(run.stdout).toMatch(new RegExp(order.join("[^]*")));
  });

  it("failed calls are listed, each with its caller", async () => {
    const failed = await calls("--errors");
    expect(failed).toMatchObject([
      { id, service: "shop", method: "checkout", outcome: "method_failed", version: 1 },
      { service: "pay", method: "charge", outcome: "method_failed", parent: id, caller: "shop" },
    ]);
  });

  it("the calls of one service are listed", async () => {
    const methods = (await calls("pay")).map(({ method }) => method);
    expect(methods).toEqual(["check", "charge"]);
  });

  it("a call that runs is listed until it ends", async () => {
    const answer = callMethod(lever.address, "/shop/holds", []);
    await eventually(async () => (await calls("--running", "shop")).length === 1);
    const [running] = await calls("--running");
    expect(running).toMatchObject({ service: "shop", method: "holds", outcome: "running" });
    await callMethod(lever.address, "/shop/go", []);
    expect((await answer).text).toBe('"done"');
    expect(await calls("--running")).toEqual([]);
  });

  it("an unknown call, and a text that is no id, are refused with the reason", async () => {
    const unknown = await lever.lever(["trace", "zzz-zzz"]);
    expect([unknown.status, unknown.stderr]).toEqual([3, expect.stringContaining("has no call")]);
    const malformed = await lever.lever(["trace", "x"]);
    expect(malformed.stderr).toContain("not the id of a call");
  });

  it("kept traces are shown after a restart, and other calls are not", async () => {
    const { dataDir } = lever;
    const plain = (await calls("shop")).find(({ method }) => method === "hello")?.id;
    await lever.kill();
    lever = await startLever({ dataDir });
    const trace = async (of: unknown): Promise<CallTrace | undefined> => {
      const run = await lever.lever(["trace", String(of), "--json"]);
      return run.status === 0 ? (JSON.parse(run.stdout) as CallTrace) : undefined;
    };
    expect((await trace(id))?.calls.map(({ method }) => method)).toEqual([
      "checkout",
      "check",
      "charge",
    ]);
    expect(await trace(plain)).toBeUndefined();
    await lever.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
});
