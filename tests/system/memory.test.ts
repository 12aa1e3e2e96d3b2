import type { HostEvent, InstancesReport, ScalingReport } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

let lever: RunningLever;
let client: Client;

beforeAll(async () => {
  const limits = ["instancesRamMbMax=300", "bufferedBodyBytesMax=6000000", "queueStandingMs=100"];
  lever = await startLever({ args: limits.flatMap((limit) => ["--limit", limit]) });
  client = new Client({ forceHost: lever.address });
});

afterAll(() => lever.stop());

async function deploy(
  name: string,
  fields: object = {},
): Promise<{ status: number; text: string }> {
  const leverJson = JSON.stringify({ name, jsEntry: "server.js", ram: 128, ...fields });
  const code = `exports.hold = (ms) => new Promise((done) => setTimeout(done, ms, "held"));
    exports.size = (bytes) => bytes.length;`;
  return deployArchive(
    lever.address,
    serviceArchive({ "lever.json": leverJson, "server.js": code }),
  );
}

const admin = (method: string, ...args: unknown[]): Promise<unknown> =>
  client.service("admin.lever", "admin").invoke(method, "dev.lever", ...args);

describe("the memory that instances may be allotted", () => {
  it("goes to those that are called: the one that has idled longest makes room", async () => {
    // Two fit; each deploy leaves one instance behind, and the third one takes the place of the first.
    for (const name of ["first", "second", "third"]) {
      const { status, text } = await deploy(name);
      expect(status, text).toBe(200);
    }
    const report = async (): Promise<InstancesReport> =>
      (await admin("listInstances")) as InstancesReport;
    const services = async (): Promise<string[]> =>
      (await report()).instances.map(({ service }) => service).sort();
    expect(await services()).toEqual(["second", "third"]);
    // Busy ones stay.
    const held = Array.from({ length: 26 }, () =>
      client.service("dev.lever", "second").invoke("hold", 1_500),
    );
    while (
      (await report()).instances.filter(({ state }) => state === "ready").length < 2 ||
      (await services()).includes("third")
    );
    expect((await report()).host).toMatchObject({ ramReserved: 256, ramMax: 300 });
    const refused = await deploy("fourth");
    expect(refused.status, refused.text).toBe(503);
    expect(refused.text).toContain("have been allotted all of the 300 MB");
    const explained = (await admin("explainService", "second")) as ScalingReport;
    expect(explained.now).toMatchObject({ needed: 3, running: 2, blockedBy: "memory" });
    expect(await Promise.all(held)).toEqual(Array(26).fill("held"));
    const events = (await admin("listEvents", "first")) as HostEvent[];
    expect(events.map(({ event }) => event)).toContain("idle instance stopped to free memory");
    // What waits for room gets it as soon as somebody idles.
    expect((await callMethod(lever.address, "/first/hold", [1])).text).toBe('"held"');
  }, 30_000);
});

it("bodies of all calls together have their bound, and who is over it is refused", async () => {
  const send = (bytes: number): Promise<{ status: number; text: string }> =>
    httpCall(lever.address, "/first/size?forceenv=dev.lever", {
      headers: { "content-type": "application/octet-stream" },
      body: Buffer.alloc(bytes),
    });
  const answers = await Promise.all(Array.from({ length: 6 }, () => send(4_000_000)));
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses[0]).toBe(200);
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  expect(answers.find(({ status }) => status === 503)?.text).toContain(
    "too many calls with large bodies",
  );
  // Nothing of them is left.
  for (let i = 0; i < 5; i++) expect((await send(4_000_000)).text).toBe("4000000");
});
