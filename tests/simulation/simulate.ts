import {
  type decideInstances,
  Fleet,
  goLive,
  Router,
  type VersionRecord,
} from "@leveros/host/parts";
import {
  type CallHandle,
  type CallListener,
  defaultLimits,
  ignoredEvents,
  type LeverError,
  type LeverJson,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { seededRandom } from "../harness/seeded-random.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";
import { type SimulatedRuntime, simulatedLauncher, type World } from "./simulated-runtime.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** How long things happen, in simulated milliseconds; then everything is left alone until it is quiet. */
  readonly busyMs?: number;
  /** A policy to hold to the promises instead of the host's own. */
  readonly decide?: typeof decideInstances;
}

export interface SimulationResult {
  readonly steps: number;
  readonly calls: number;
  readonly instances: number;
  readonly ownerships: number;
  /** Broken promises, with the simulated time. */
  readonly violations: readonly string[];
}

const ENVIRONMENT = "dev.lever";
const SERVICES = ["one", "two"] as const;
const TIMEOUT_MS = 5_000;
const body = new TextEncoder().encode("[]");

const limits = {
  ...defaultLimits,
  callsPerInstanceMax: 30,
  queuedCallsPerServiceMax: 60,
  idleTimeoutMs: 4_000,
  scaleDownAfterMs: 1_500,
  drainTimeoutMs: 2_000,
  startTimeoutMs: 3_000,
  deployDrainTimeoutMs: 6_000,
  resourceIdleTimeoutMs: 1_500,
  resourceHookTimeoutMs: 1_000,
  unresponsiveKillAfterMs: 5_000,
  instancesPerServiceMax: 5,
  instancesRamMbMax: 128 * 9,
};

/** Time for every call to end: its deadline, and what follows it. */
const SETTLE_MS = 60_000;

/**
 * The host's own router, fleet, instances, ledger and policies, with everything outside simulated: callers, deploys,
 * processes that load slowly, crash, freeze, lose replies and do not stop. The seed decides everything, so that a
 * violation can be had again.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const random = seededRandom(options.seed);
  const clock = new VirtualClock();
  const violations: string[] = [];
  const violate = (what: string): void => {
    if (violations.length < 20) violations.push(`at ${clock.now().toFixed(1)} ms: ${what}`);
  };
  const check = (isKept: boolean, what: string): void => {
    if (!isKept) violate(what);
  };

  // The processes that have opened a resource and not closed it.
  const holders = new Map<string, Set<SimulatedRuntime>>();
  const epochs = new Map<string, number>();
  const runtimes = new Set<SimulatedRuntime>();
  let launched = 0;
  let ownerships = 0;
  const keyOf = ({ assignment }: SimulatedRuntime, resource: string): string =>
    `${assignment?.service} ${resource}`;
  const world: World = {
    clock,
    random,
    troubles: {
      badStarts: random() < 0.3 ? 0.2 : 0,
      lostReplies: random() < 0.5 ? 0.02 : 0,
      stubborn: random() < 0.3 ? 0.2 : 0,
    },
    watcher: {
      onTakes(runtime, resource, epoch) {
        const key = keyOf(runtime, resource);
        const held = holders.get(key) ?? new Set();
        check(held.size === 0, `O1: ${key} has two owners`);
        check(epoch > (epochs.get(key) ?? 0), `O2: the epoch of ${key} does not grow`);
        held.add(runtime);
        holders.set(key, held);
        epochs.set(key, epoch);
        ownerships++;
      },
      onGives(runtime, resource) {
        holders.get(keyOf(runtime, resource))?.delete(runtime);
      },
      onCall(runtime, { target }) {
        check(!runtime.isStopping, `a call of ${target.method} follows the promise that none does`);
        if (target.resource === "") return;
        const key = keyOf(runtime, target.resource);
        check(holders.get(key)?.has(runtime) === true, `O3: ${key} is called where it is not`);
      },
      onDead(runtime) {
        runtimes.delete(runtime);
        for (const held of holders.values()) held.delete(runtime);
      },
    },
  };

  let epoch = 0;
  const router = new Router({ limits, clock, nextEpoch: () => ++epoch });
  router.setEnvironment(ENVIRONMENT, {
    corsOrigins: new Set(),
    kind: "services",
    isPublic: false,
  });
  const { launcher, link } = simulatedLauncher(world, (runtime) => {
    runtimes.add(runtime);
    launched++;
  });
  const fleet = new Fleet({
    launcher,
    link,
    router,
    limits,
    clock,
    log: () => {},
    codeDirOf: async () => "/",
    variablesOf: async () => ({}),
    serviceDataDir: "/",
    makeDir: () => {},
    serveCall: () => ignoredEvents,
    ...(options.decide !== undefined && { decide: options.decide }),
  });

  const versions = new Map<string, number>();
  const recordOf = (service: string): VersionRecord => {
    const version = (versions.get(service) ?? 0) + 1;
    versions.set(service, version);
    const leverJson: LeverJson = {
      name: service,
      description: "",
      jsEntry: "server.js",
      entry: undefined,
      private: false,
      maxInstanceLoad: 4,
      minInstances: service === "two" ? 1 : 0,
      maxInstances: undefined,
      ram: 128,
      maxCpu: undefined,
      config: {},
    };
    return {
      environment: ENVIRONMENT,
      service,
      version,
      codeId: `${service}-${version}`,
      leverJson,
      methods: ["chan", "method"],
      archiveBytes: 0,
      unpackedBytes: 0,
      deployedAt: "",
    };
  };
  let deploying = 0;
  const deploy = async (service: string): Promise<void> => {
    const record = recordOf(service);
    deploying++;
    try {
      const candidate = await fleet.startCandidate(record);
      goLive({ router, fleet }, record, candidate);
    } catch {
      // One that does not start changes nothing.
    }
    deploying--;
  };
  for (const service of SERVICES) goLive({ router, fleet }, recordOf(service));

  const open = new Set<{
    readonly startedAt: number;
    readonly isStream: boolean;
    readonly side: CallHandle;
  }>();
  let calls = 0;
  const call = (): void => {
    calls++;
    const service = SERVICES[Math.floor(random() * SERVICES.length)] ?? "one";
    const resource = random() < 0.5 ? `r${Math.floor(random() * 6)}` : "";
    const isStream = random() < 0.15;
    let endings = 0;
    const over = (): void => {
      endings++;
      check(endings === 1, "C1: a caller hears two endings");
      if (entry !== undefined) open.delete(entry);
    };
    const events: CallListener = {
      onMessage: () => check(endings === 0, "C1: a message follows the ending"),
      onEnd: over,
      onFail: over,
      onAbort: (error: LeverError) => {
        check(error.code !== "internal", `a call fails with ${error.message}`);
        over();
      },
      onDrain() {},
    };
    let entry: { startedAt: number; isStream: boolean; side: CallHandle } | undefined;
    const method = isStream ? "chan" : "method";
    const side = router.open(
      {
        target: { environment: ENVIRONMENT, service, resource, method },
        caller: OUTSIDE,
        isStream,
        timeoutMs: isStream ? 0 : TIMEOUT_MS,
        kind: PAYLOAD_JSON,
        body,
      },
      events,
      isStream,
    );
    if (endings > 0) return;
    const kept = { startedAt: clock.now(), isStream, side };
    entry = kept;
    open.add(kept);
    if (isStream) clock.setTimeout(() => side.end(), random() * 3_000);
    if (random() < 0.05) {
      clock.setTimeout(() => {
        // A caller that cancels gets no further event.
        if (open.delete(kept)) side.abort(cancelled);
      }, random() * 200);
    }
  };

  /** Checks the promises that hold at every moment. */
  const checkNow = (): void => {
    for (const name of SERVICES) {
      const of = fleet.service(ENVIRONMENT, name);
      if (of === undefined) continue;
      let running = 0;
      for (const instance of of.instances) {
        const { target, phase, spec } = instance;
        check(target.callsInFlight >= 0 && target.streamsInFlight >= 0, "C2: a count is negative");
        const isLive = spec.version === of.live.version;
        if (isLive && (phase === "ready" || phase === "starting")) running++;
      }
      check(running <= limits.instancesPerServiceMax, `${name} has ${running} instances`);
      check(
        of.route.callsWaiting <= limits.queuedCallsPerServiceMax,
        "the queue is longer than it may be",
      );
      check(of.route.callsWaiting >= 0, "C2: the queue's count is negative");
    }
    check(fleet.ram.reserved <= fleet.ram.max, "more memory is allotted than there is");
    for (const { startedAt, isStream } of open) {
      check(isStream || clock.now() - startedAt <= TIMEOUT_MS + 1, "a call outlives its deadline");
    }
  };

  const busyMs = options.busyMs ?? 15_000;
  // Quiet and busy times take turns.
  const act = (): void => {
    if (clock.now() >= busyMs) return;
    const isBusy = Math.floor(clock.now() / 2_500) % 2 === 0;
    const what = random();
    if (what < 0.94) {
      const count = random() < 0.02 ? 20 : 1;
      for (let i = 0; i < count; i++) call();
    } else if (what < 0.955) {
      void deploy(SERVICES[Math.floor(random() * SERVICES.length)] ?? "one");
    } else if (what < 0.98) {
      const victim = [...runtimes][Math.floor(random() * runtimes.size)];
      victim?.kill();
    } else {
      const victim = [...runtimes][Math.floor(random() * runtimes.size)];
      victim?.freeze(random() * 8_000);
    }
    clock.setTimeout(act, random() * (isBusy ? 30 : 400));
  };
  act();

  let steps = 0;
  const run = async (until: number): Promise<void> => {
    while (violations.length === 0 && clock.runNext(until)) {
      steps++;
      // Lets the fleet's promises settle.
      for (let i = 0; i < 8; i++) await undefined;
      checkNow();
    }
  };
  await run(busyMs + SETTLE_MS);
  if (violations.length === 0) {
    check(open.size === 0, `${open.size} calls have no ending`);
    check(deploying === 0, "a deploy has no end");
    for (const name of SERVICES) {
      const of = fleet.service(ENVIRONMENT, name);
      const left = [...(of?.instances ?? [])];
      const isBad = world.troubles.badStarts > 0;
      const wanted = name === "two" && !isBad ? 1 : 0;
      check(
        left.length >= wanted && left.length <= 1,
        `${name} ends with ${left.length} instances`,
      );
      check(of?.route.callsWaiting === 0, `calls of ${name} still wait`);
      check(of?.route.resources === 0, `${of?.route.resources} resources of ${name} are left`);
      for (const { target } of left) check(target.callsInFlight === 0, "C2: calls are left");
    }
  }
  void fleet.close();
  return { steps, calls, instances: launched, ownerships, violations };
}

const cancelled = { code: "cancelled", message: "The caller left." } as LeverError;
