import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceListing } from "@leveros/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { seededRandom } from "../harness/seeded-random.ts";

const SERVICES = 20;
const ROUNDS = 10;
const DEPLOYS_PER_ROUND = 20;
const DEPLOYERS = 4;
const FILES = 25;
const VERSIONS_KEPT = 3;

/** A service whose every file says which build it is, and which tells what all of them say. */
function build(service: string, number: number): Buffer {
  const files: Record<string, string> = {
    "lever.json": JSON.stringify({ name: service, jsEntry: "server.js" }),
    "server.js": `
      const fs = require("node:fs");
      const parts = fs.readdirSync("parts");
      const read = (name) => Number(fs.readFileSync("parts/" + name, "utf8"));
      exports.builds = () => parts.length === ${FILES} ? [${number}, ...parts.map(read)] : ["parts are missing"];`,
  };
  for (let i = 0; i < FILES; i++) files[`parts/${i}`] = String(number);
  return serviceArchive(files);
}

async function listServices(lever: RunningLever): Promise<ServiceListing[]> {
  const answer = await httpCall(lever.address, "/admin/listServices?forceenv=admin.lever", {
    headers: { "content-type": "application/json" },
    body: '["dev.lever"]',
  });
  return answer.json() as ServiceListing[];
}

/** What a user knows of one service: the last build that was acknowledged, and one that may have made it since. */
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
  const answer = await deployArchive(lever.address, build(service, known.attempted));
  expect(answer.json()).toMatchObject({ service });
  known.acknowledged = known.attempted;
  known.attempted = undefined;
  acknowledgements++;
}

/** Deploys random services, several at a time but each one after the other, and kills the host in the midst of it. */
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
        // The kill breaks off what is under way; nothing else may.
        if (killed === undefined) throw error;
      }
      busy.delete(service);
    }
  };
  await Promise.all(Array.from({ length: DEPLOYERS }, deployer));
  await (killed ?? lever.kill());
}

/** Every acknowledged build, or the one that was under way, is live and whole. */
async function checkAll(lever: RunningLever): Promise<void> {
  const listed = new Set((await listServices(lever)).map(({ service }) => service));
  for (const [service, known] of services) {
    if (known.acknowledged !== undefined) expect(listed).toContain(service);
    if (!listed.has(service)) continue;
    const answer = await callMethod(lever.address, `/${service}/builds`, []);
    expect(answer.status, answer.text).toBe(200);
    const [live, ...others] = [...new Set(answer.json() as number[])];
    expect(others, `${service} is served half-unpacked`).toEqual([]);
    expect([known.acknowledged, known.attempted]).toContain(live);
    known.acknowledged = live;
    known.attempted = undefined;
  }
}

it("survives kill -9 amid deploys: what was acknowledged is live and whole, and nothing piles up", async () => {
  const args = [`versionsKeptMax=${VERSIONS_KEPT}`, "warmRuntimesMax=0"].flatMap((limit) => [
    "--limit",
    limit,
  ]);
  for (let round = 0; round < ROUNDS; round++) {
    const lever = await startLever({ dataDir, args, workers: 1 });
    await checkAll(lever);
    await deployAndKill(lever);
  }
  const lever = await startLever({ dataDir, args, workers: 1 });
  await checkAll(lever);

  const listings = await listServices(lever);
  const kept = listings.map(({ versions }) => versions.length);
  expect(Math.max(...kept)).toBeLessThanOrEqual(VERSIONS_KEPT);
  const keptAll = kept.reduce((sum, count) => sum + count, 0);
  const count = (folder: string): number => readdirSync(join(dataDir, folder)).length;
  expect([count("staging"), count("code"), count("archives")]).toEqual([0, keptAll, keptAll]);
  // One process for each service that was just called, and none from before.
  expect(count("processes")).toBe(listings.length);
  expect(acknowledgements).toBeGreaterThan(ROUNDS);
  expect(await lever.stop()).toBe(0);
  expect(count("processes")).toBe(0);
}, 240_000);
