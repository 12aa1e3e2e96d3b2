// @module-tag alone
import type { InstancesReport, ScalingReport } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf, listInstances } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { callMethod, deployArchive, type HttpAnswer, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

let lever: RunningLever;
let client: Client;

beforeAll(async () => {
  const limits = ["instancesRamMbMax=300", "bufferedBodyBytesMax=6000000", "queueStandingMs=100"];
  lever = await startLever({ args: limits.flatMap((limit) => ["--limit", limit]) });
  client = new Client({ forceHost: lever.address });
});

afterAll(() => lever.stop());

const CODE = `exports.hold = (ms) => new Promise((done) => setTimeout(done, ms, "held"));
  exports.size = (bytes) => bytes.length;`;

const service = (name: string): Buffer => testService(CODE, { name, ram: 128 });

const servicesWithInstances = async (): Promise<string[]> =>
  (await listInstances(lever)).instances.map(({ service }) => service).sort();

describe("three services of 128 MB on a host with 300 MB for instances", () => {
  // Two instances fit. Each deploy leaves one behind.
  beforeAll(async () => {
    for (const name of ["first", "second", "third"]) await deployService(lever, service(name));
  });

  it("an instance stops to free memory for that of another service", async () => {
    expect(await servicesWithInstances()).toEqual(["second", "third"]);
    const events = await adminOf(lever).invoke("listEvents", "dev.lever", "first");
    expect(events.map(({ event }) => event)).toContain("idle instance stopped to free memory");
  });

  describe("of which one is under load", () => {
    let held: Promise<unknown>[];
    let ready: InstancesReport;
    let refused: HttpAnswer;
    let explained: ScalingReport;

    beforeAll(async () => {
      held = Array.from({ length: 26 }, () =>
        client.service("dev.lever", "second").invoke("hold", 1_500),
      );
      ready = await eventually(async () => {
        const report = await listInstances(lever);
        const { instances } = report;
        const isGrown = instances.filter(({ state }) => state === "ready").length === 2;
        return isGrown && instances.every((other) => other.service === "second") && report;
      });
      refused = await deployArchive(lever.address, service("fourth"));
      explained = await adminOf(lever).invoke("explainService", "dev.lever", "second");
    });

    it("a service under load gets the memory of idle services", () => {
      expect(ready.host).toMatchObject({ ramReserved: 256, ramMax: 300 });
    });

    it("a deploy is refused while busy instances have all memory", () => {
      expect(refused.status, refused.text).toBe(503);
      expect(refused.text).toContain("have been allotted all of the 300 MB");
    });

    it("explainService says that memory limits the instances", () => {
      expect(explained.now).toMatchObject({ needed: 3, running: 2, blockedBy: "memory" });
    });

    it("busy instances answer their calls while memory is short", async () => {
      expect(await Promise.all(held)).toEqual(Array(26).fill("held"));
    });

    it("a call that waits for memory gets it when an instance is idle", async () => {
      expect((await callMethod(lever.address, "/first/hold", [1])).text).toBe('"held"');
    });
  });
});

describe("bodies of 24 MB at once on a host with 6 MB for bodies", () => {
  let answers: HttpAnswer[];
  const send = (bytes: number): Promise<HttpAnswer> =>
    httpCall(lever.address, "/first/size?forceenv=dev.lever", {
      headers: { "content-type": "application/octet-stream" },
      body: Buffer.alloc(bytes),
    });

  beforeAll(async () => {
    answers = await Promise.all(Array.from({ length: 6 }, () => send(4_000_000)));
  });

  it("a call is refused when the bodies of all calls are over the limit", () => {
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses[0]).toBe(200);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(answers.find(({ status }) => status === 503)?.text).toContain(
      "too many calls with large bodies",
    );
  });

  it("bodies of answered and refused calls no longer count", async () => {
    for (let i = 0; i < 5; i++) expect((await send(4_000_000)).text).toBe("4000000");
  });
});
