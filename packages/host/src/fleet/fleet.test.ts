import { setImmediate as turn } from "node:timers/promises";
import { defaultLimits, ignoredEvents, OUTSIDE, PAYLOAD_JSON } from "@leveros/protocol";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { simulatedLauncher } from "../../../../tests/simulation/simulated-runtime.ts";
import { goLive } from "../deployer/go-live.ts";
import { Router } from "../router/router.ts";
import { Fleet } from "./fleet.ts";

const environment = "dev.lever";
const method = "method";

/** A fleet on a virtual clock, whose instances never fail. */
function makeFleet(): { clock: VirtualClock; router: Router; fleet: Fleet } {
  const clock = new VirtualClock();
  const limits = { ...defaultLimits, instancesRamMbMax: 1_000_000 };
  const router = new Router({ limits, clock, nextEpoch: () => 1 });
  const access = { corsOrigins: new Set(""), kind: "services" as const, isPublic: true };
  router.setEnvironment(environment, access);
  const world = {
    clock,
    random: () => 0.5,
    troubles: { badStarts: 0, lostReplies: 0, earlyEnds: 0, stubborn: 0 },
    watcher: {
      onSent() {},
      onCall() {},
      onTakes() {},
      onClosing() {},
      onGives() {},
      onMisuse() {},
      onDead() {},
    },
  };
  const fleet = new Fleet({
    ...simulatedLauncher(world, () => {}),
    router,
    limits,
    clock,
    log: () => {},
    codeDirOf: async () => "/",
    variablesOf: async () => ({}),
    serviceDataDir: "/",
    makeDir: () => {},
    serveCall: () => ignoredEvents,
  });
  return { clock, router, fleet };
}

it("of many services at zero, only those that were used last keep a history", async () => {
  const { clock, router, fleet } = makeFleet();
  const names = Array.from({ length: 300 }, (_, i) => `service-${i}`);
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1_000) {
      clock.advance(1_000);
      await turn();
    }
  };
  for (const service of names) {
    goLive(
      { router, fleet },
      {
        environment,
        service,
        version: 1,
        codeId: service,
        leverJson: {
          name: service,
          description: "",
          jsEntry: "server.js",
          entry: undefined,
          private: false,
          maxInstanceLoad: 10,
          minInstances: 0,
          maxInstances: undefined,
          ram: 128,
          maxCpu: undefined,
          config: {},
        },
        methods: [method],
        archiveBytes: 0,
        unpackedBytes: 0,
        deployedAt: "",
      },
    );
  }
  let replies = 0;
  for (const service of names) {
    const target = { environment, service, resource: "", method };
    const call = { target, caller: OUTSIDE, isStream: false, timeoutMs: 0 };
    const body = new TextEncoder().encode("[]");
    const events = { ...ignoredEvents, onEnd: () => replies++ };
    router.open({ ...call, kind: PAYLOAD_JSON, body }, events, false);
    await pass(2_000);
  }
  expect(replies).toBe(names.length);
  const recordsOf = (service: string): number =>
    fleet.service(environment, service)?.explain().records.length ?? Number.NaN;
  expect(recordsOf("service-0")).toBeGreaterThan(0);
  await pass(defaultLimits.idleTimeoutMs + 60_000);
  expect(fleet.ram.reserved).toBe(0);
  expect(recordsOf("service-299")).toBeGreaterThan(1);
  expect(recordsOf("service-0")).toBe(0);
});
