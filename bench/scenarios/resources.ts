import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { listInstances } from "../../tests/harness/admin.ts";
import { Caller, keepCalling } from "../../tests/harness/load.ts";
import { seededRandom } from "../../tests/harness/seeded-random.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured } from "../figure.ts";
import { kill, type Scenario, startHost } from "../scenario.ts";

const RESOURCES = 200;
const CALLERS = 50;

/**
 * Each instance writes down, in a file of its own and by one clock for all, when it got a resource, each time when it
 * used it, and when it gave it back.
 */
const code = `
const { appendFileSync } = require("node:fs");
const { callContext } = require("leveros");
const file = process.env.LEVEROS_DATA_DIR + "/" + process.env.LEVEROS_INSTANCE_ID + ".log";
const note = (what, resource) => appendFileSync(file, [process.hrtime.bigint(), what, resource, callContext().epoch].join(" ") + "\\n");
const held = new Set();
exports.newResource = (resource) => { note("new", resource); held.add(resource); };
exports.closeResource = async (resource) => { await new Promise((done) => setTimeout(done, 2)); held.delete(resource); note("close", resource); };
exports.use = async (resource) => {
  if (!held.has(resource)) throw new Error("This instance does not have " + resource + ".");
  note("use", resource);
  await new Promise((done) => setTimeout(done, Math.random() * 5));
  note("use", resource);
  return true;
};
`;

interface Ownership {
  readonly instance: string;
  readonly epoch: number;
  from: bigint;
  /** Time of the last event. */
  to: bigint;
}

/**
 * Reads what the instances wrote down. Of two owners of a resource, the one with the lower epoch must have done
 * everything before the other does anything.
 */
function check(folder: string): { ownerships: number; overlaps: number; sameEpochs: number } {
  const byResource = new Map<string, Map<string, Ownership>>();
  for (const file of readdirSync(folder)) {
    if (!file.endsWith(".log")) continue;
    for (const line of readFileSync(join(folder, file), "utf8").split("\n")) {
      const [time = "", , resource = "", epoch] = line.split(" ");
      // The last line of a killed instance may be half a line.
      if (epoch === undefined || !/^\d+$/.test(epoch)) continue;
      const at = BigInt(time);
      const owners = byResource.get(resource) ?? new Map<string, Ownership>();
      byResource.set(resource, owners);
      const key = `${file} ${epoch}`;
      const owner = owners.get(key) ?? { instance: file, epoch: Number(epoch), from: at, to: at };
      if (at < owner.from) owner.from = at;
      if (at > owner.to) owner.to = at;
      owners.set(key, owner);
    }
  }
  let ownerships = 0;
  let overlaps = 0;
  let sameEpochs = 0;
  for (const owners of byResource.values()) {
    const inOrder = [...owners.values()].sort((a, b) => a.epoch - b.epoch);
    ownerships += inOrder.length;
    for (const [index, owner] of inOrder.entries()) {
      const next = inOrder[index + 1];
      if (next === undefined) continue;
      if (next.epoch === owner.epoch) sameEpochs++;
      if (owner.to >= next.from) overlaps++;
    }
  }
  return { ownerships, overlaps, sameEpochs };
}

/** Uses resources while instances are killed and versions are deployed. */
export async function useResources(durationMs: number): Promise<readonly Figure[]> {
  await using lever = await startHost({
    scaleDownAfterMs: 1_500,
    resourceIdleTimeoutMs: 700,
    deployDrainTimeoutMs: 20_000,
  });
  using caller = new Caller(lever.address);
  const owners = testService(code, { name: "owners", maxInstanceLoad: 10 });
  await deployService(lever, owners);
  const random = seededRandom(1);
  let calls = 0;
  let failed = 0;
  let unexplained = "";
  let inFlight = 0;
  let active = CALLERS;
  const load = keepCalling(
    CALLERS,
    async (index) => {
      // The load goes up and down, and so does the number of instances.
      while (index >= active) await delay(20);
      return await caller.call(`/owners/r${Math.floor(random() * RESOURCES)}/use`);
    },
    ({ status, text }) => {
      calls++;
      if (status === 200) return;
      failed++;
      if (!text.includes("was ended by SIGKILL")) unexplained = `${status} ${text}`;
    },
  );
  let killed = 0;
  let deployed = 0;
  const until = performance.now() + durationMs;
  while (performance.now() < until) {
    await delay(2_000);
    active = deployed % 4 === 3 ? 5 : CALLERS;
    await deployService(lever, owners);
    deployed++;
    const { instances } = await listInstances(lever, "owners");
    const victim = instances[Math.floor(random() * instances.length)];
    if (victim === undefined || deployed % 2 === 0) continue;
    if (!kill(victim.pid)) continue;
    inFlight += CALLERS;
    killed++;
  }
  active = CALLERS;
  await load.stop();
  const folder = join(lever.dataDir, "services/dev.lever/owners");
  const { ownerships, overlaps, sameEpochs } = check(folder);
  return [
    measured("calls", calls),
    measured("instances killed", killed),
    measured("versions deployed", deployed),
    atLeast("ownerships", ownerships, RESOURCES + 1),
    atMost("owners at the same time", overlaps, 0),
    atMost("ownerships with the same epoch", sameEpochs, 0),
    atMost("failed calls", failed, inFlight),
    {
      name: "failed not by a kill",
      value: unexplained || 0,
      target: "≤ 0",
      isKept: unexplained === "",
    },
  ];
}

export const resources: Scenario = {
  name: "resources",
  about: `${RESOURCES} resources, ${CALLERS} callers, kills and deploys every two seconds, for five minutes`,
  run: () => useResources(300_000),
};
