import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceListing } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { seededRandom } from "../harness/seeded-random.ts";
import { deployService, testService } from "../harness/test-service.ts";

/** `LEVER_TESTS=long` kills more hosts, amid the deploys of more services. */
const isLong = process.env["LEVER_TESTS"] === "long";
const SERVICES = isLong ? 20 : 10;
const ROUNDS = isLong ? 10 : 5;
const DEPLOYS_PER_ROUND = 20;
const DEPLOYERS = 4;
const CALLERS = 4;
const FILES = 25;
const VERSIONS_KEPT = 3;

/** A service each of whose files has the number of its build. Its method returns all of these numbers. */
function build(service: string, number: number): Buffer {
  const files: Record<string, string> = {
    "server.js": `
      const fs = require("node:fs");
      const parts = fs.readdirSync("parts");
      const read = (name) => Number(fs.readFileSync("parts/" + name, "utf8"));
      exports.builds = () => parts.length === ${FILES} ? [${number}, ...parts.map(read)] : ["parts are missing"];`,
  };
  for (let i = 0; i < FILES; i++) files[`parts/${i}`] = String(number);
  return testService(files, { name: service });
}

const listServices = (lever: RunningLever): Promise<readonly ServiceListing[]> =>
  adminOf(lever).invoke("listServices", "dev.lever");

/** One service as a user knows it: the last build that was acknowledged, and one that may have succeeded since. */
interface Known {
  acknowledged: number | undefined;
  attempted: number | undefined;
}

const random = seededRandom(2_026);
const services = new Map<string, Known>(
  Array.from({ length: SERVICES }, (_, index) => [
    `service-${index}`,
    { acknowledged: undefined, attempted: undefined },
  ]),
);
let dataDir: string;
let builds = 0;
let acknowledgements = 0;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), "lever-crash-"));
});

afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

async function deployNext(lever: RunningLever, service: string, known: Known): Promise<void> {
  known.attempted = ++builds;
  expect(await deployService(lever, build(service, known.attempted))).toMatchObject({ service });
  known.acknowledged = known.attempted;
  known.attempted = undefined;
  acknowledgements++;
}

/** Deploys random services, several at a time but one deploy for each, and kills the host meanwhile. */
async function deployAndKill(lever: RunningLever): Promise<void> {
  const killAt = acknowledgements + 1 + Math.floor(random() * (DEPLOYS_PER_ROUND - DEPLOYERS));
  const busy = new Set<string>();
  let left = DEPLOYS_PER_ROUND;
  let killed: Promise<void> | undefined;
  const deployer = async (): Promise<void> => {
    while (left-- > 0 && killed === undefined) {
      const free = [...services].filter(([service]) => !busy.has(service));
      const [service, known] = free[Math.floor(random() * free.length)] ?? [];
      if (service === undefined || known === undefined) throw new Error("No service is free.");
      busy.add(service);
      try {
        await deployNext(lever, service, known);
        if (acknowledgements >= killAt) killed ??= lever.kill();
      } catch (error) {
        // The kill may interrupt deploys. No other failure is allowed.
        if (killed === undefined) throw error;
      }
      busy.delete(service);
    }
  };
  await Promise.all(Array.from({ length: DEPLOYERS }, deployer));
  await (killed ?? lever.kill());
}

/** Every acknowledged build, or the one that was under way, is live and complete. */
async function checkAll(lever: RunningLever): Promise<void> {
  const listed = new Set((await listServices(lever)).map(({ service }) => service));
  const check = async (service: string, known: Known): Promise<void> => {
    if (known.acknowledged !== undefined) expect(listed).toContain(service);
    if (!listed.has(service)) return;
    const answer = await callMethod(lever.address, `/${service}/builds`, []);
    expect(answer.status, answer.text).toBe(200);
    const [live, ...others] = [...new Set(answer.json() as number[])];
    expect(others, `${service} is served half-unpacked`).toEqual([]);
    expect([known.acknowledged, known.attempted]).toContain(live);
    known.acknowledged = live;
    known.attempted = undefined;
  };
  // A few at a time: each call starts an instance.
  const waiting = [...services];
  const next = async (): Promise<void> => {
    for (let of = waiting.pop(); of !== undefined; of = waiting.pop()) await check(...of);
  };
  await Promise.all(Array.from({ length: CALLERS }, next));
}

describe(`${ROUNDS} hosts that are killed amid deploys, and a last one`, () => {
  let last: RunningLever;
  let listings: readonly ServiceListing[];
  let versionsKept: number[];
  const count = (folder: string): number => readdirSync(join(dataDir, folder)).length;

  beforeAll(async () => {
    const args = [`versionsKeptMax=${VERSIONS_KEPT}`, "warmRuntimesMax=0"].flatMap((limit) => [
      "--limit",
      limit,
    ]);
    for (let round = 0; round < ROUNDS; round++) {
      const lever = await startLever({ dataDir, args, workers: 1 });
      await checkAll(lever);
      await deployAndKill(lever);
    }
    last = await startLever({ dataDir, args, workers: 1 });
  }, 240_000);

  it("every acknowledged deploy is live and complete after a kill", async () => {
    expect(acknowledgements).toBeGreaterThan(ROUNDS);
    await checkAll(last);
    listings = await listServices(last);
    versionsKept = listings.map(({ versions }) => versions.length);
  });

  it("a service has no more than versionsKeptMax versions after kills", () => {
    expect(Math.max(...versionsKept)).toBeLessThanOrEqual(VERSIONS_KEPT);
  });

  it("the data folder has no file of a deploy without a version", () => {
    const all = versionsKept.reduce((sum, versions) => sum + versions, 0);
    expect([count("staging"), count("code"), count("archives")]).toEqual([0, all, all]);
  });

  it("one process is recorded for each service that was called", () => {
    expect(count("processes")).toBe(listings.length);
  });

  it("no process is recorded after the host stopped", async () => {
    expect(await last.stop()).toBe(0);
    expect(count("processes")).toBe(0);
  });
});
