import {
  type decideInstances,
  Fleet,
  goLive,
  Router,
  type VersionRecord,
} from "@leveros/host/parts";
import {
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
import { Invariants } from "./invariants.ts";
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
const RAM = 128;
const TIMEOUT_MS = 5_000;
const noArguments = new TextEncoder().encode("[]");

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
  instancesRamMbMax: RAM * 9,
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
  const invariants = new Invariants({
    environment: ENVIRONMENT,
    services: SERVICES,
    limits,
    ram: RAM,
    violate,
  });
  const check = (isKept: boolean, what: string): void => invariants.check(isKept, what);
  const world: World = {
    clock,
    random,
    troubles: {
      badStarts: random() < 0.3 ? 0.2 : 0,
      lostReplies: random() < 0.5 ? 0.02 : 0,
      earlyEnds: random() < 0.5 ? 0.1 : 0,
      stubborn: random() < 0.3 ? 0.2 : 0,
    },
    watcher: invariants,
  };

  let epoch = 0;
  const router = new Router({ limits, clock, nextEpoch: () => ++epoch });
  invariants.watchDemand(router);
  router.setEnvironment(ENVIRONMENT, {
    corsOrigins: new Set(),
    kind: "services",
    isPublic: false,
  });
  const { launcher, link } = simulatedLauncher(world, (runtime) => invariants.onLaunch(runtime));
  const fleet = new Fleet({
    launcher,
    link,
    router,
    limits,
    clock,
    log: () => {},
    codeDirOf: async () => "/",
    variablesOf: async () => ({ all: {}, secrets: {} }),
    logs: { add: () => true },
    showsOutput: false,
    serviceDataDir: "/",
    makeDir: () => {},
    serveCall: () => ignoredEvents,
    ...(options.decide !== undefined && { decide: options.decide }),
  });
  invariants.watch(router, fleet);

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
      ram: RAM,
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
      goLive({ router, fleet }, record, { candidate });
    } catch {
      // One that does not start changes nothing.
    }
    deploying--;
  };
  for (const service of SERVICES) goLive({ router, fleet }, recordOf(service));

  const open = new Set<OpenCall>();
  let calls = 0;
  const call = (): void => {
    calls++;
    const service = SERVICES[Math.floor(random() * SERVICES.length)] ?? "one";
    const resource = random() < 0.5 ? `r${Math.floor(random() * 6)}` : "";
    const isStream = random() < 0.15;
    // Its own bytes, by which it is found again at an instance.
    const body = noArguments.slice();
    const call = { startedAt: clock.now(), service, resource, isStream, body };
    const made = { ...call, endings: 0, sent: 0, counted: -1 };
    const over = (): void => {
      made.endings++;
      check(made.endings === 1, "C1: a caller hears two endings");
      open.delete(made);
    };
    const events: CallListener = {
      onMessage(_kind, bytes) {
        check(made.endings === 0, "C1: a message follows the ending");
        made.counted = Number(new TextDecoder().decode(bytes));
      },
      onEnd() {
        const { sent, counted } = made;
        const isWhole = hasEnded ? counted === sent : counted >= 0;
        check(isWhole, `a call with ${sent} messages is over after ${counted} of them`);
        over();
      },
      onFail: over,
      onAbort: (error: LeverError) => {
        check(error.code !== "internal", `a call fails with ${error.message}`);
        over();
      },
      onDrain() {},
    };
    let hasEnded = !isStream;
    open.add(made);
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
    /** Sends the messages of a stream, some of them and its end before an instance has the call. */
    const speak = (left: number): void => {
      if (made.endings > 0 || !open.has(made)) return;
      if (left === 0) {
        hasEnded = true;
        side.end();
        return;
      }
      made.sent++;
      side.send(PAYLOAD_JSON, body);
      if (random() < 0.5) speak(left - 1);
      else clock.setTimeout(() => speak(left - 1), random() * 1_500);
    };
    if (isStream) {
      const messages = Math.floor(random() * 4);
      if (random() < 0.5) speak(messages);
      else clock.setTimeout(() => speak(messages), random() * 1_500);
    }
    if (random() < 0.05) {
      clock.setTimeout(() => {
        // A caller that cancels gets no further event.
        if (open.delete(made)) side.abort(cancelled);
      }, random() * 200);
    }
  };

  const checkNow = (): void => {
    invariants.checkNow();
    for (const call of open) {
      if (call.isStream) continue;
      check(clock.now() - call.startedAt <= TIMEOUT_MS + 1, "a call outlives its deadline");
      if (call.resource === "") invariants.checkCall(call);
    }
  };

  const busyMs = options.busyMs ?? 15_000;
  const anyRuntime = (): SimulatedRuntime | undefined => {
    const all = [...invariants.runtimes];
    return all[Math.floor(random() * all.length)];
  };
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
      anyRuntime()?.kill();
    } else {
      anyRuntime()?.freeze(random() * 8_000);
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
    invariants.checkQuiet({ mayFailToStart: world.troubles.badStarts > 0 });
  }
  void fleet.close();
  await run(clock.now() + SETTLE_MS);
  if (violations.length === 0) invariants.checkClosed();
  const { launched, ownerships } = invariants;
  return { steps, calls, instances: launched, ownerships, violations };
}

interface OpenCall {
  readonly startedAt: number;
  readonly service: string;
  readonly resource: string;
  readonly isStream: boolean;
  readonly body: Uint8Array;
}

const cancelled = { code: "cancelled", message: "The caller left." } as LeverError;
