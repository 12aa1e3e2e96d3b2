import { Fleet, goLive, Router, type VersionRecord } from "@leveros/host/parts";
import {
  type CallHandle,
  defaultLimits,
  ignoredEvents,
  type LeverJson,
  type Limits,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { VirtualClock } from "../harness/virtual-clock.ts";
import { type SimulatedRuntime, simulatedLauncher, type World } from "./simulated-runtime.ts";

const ENVIRONMENT = "dev.lever";
const leverJson: LeverJson = {
  name: "svc",
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
};

interface MadeCall {
  readonly side: CallHandle;
  /** `end`, or the code of the error; undefined = it is open. */
  outcome: string | undefined;
}

/** A router and a fleet on a virtual clock, whose instances never fail by themselves. */
export class SimulatedHost {
  readonly clock = new VirtualClock();
  readonly runtimes: SimulatedRuntime[] = [];
  /** A process has started. */
  onLaunch: (runtime: SimulatedRuntime) => void = () => {};
  readonly router: Router;
  readonly fleet: Fleet;
  /** Gets the code of a version ready. */
  codeDirOf: (record: VersionRecord) => Promise<string> = async () => "/";

  constructor(changes: Partial<Limits> = {}) {
    const { clock } = this;
    const limits = { ...defaultLimits, instancesRamMbMax: 1_000_000, ...changes };
    let epoch = 0;
    this.router = new Router({ limits, clock, nextEpoch: () => ++epoch });
    const access = { corsOrigins: new Set<string>(), kind: "services" as const, isPublic: true };
    this.router.setEnvironment(ENVIRONMENT, access);
    const world: World = {
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
    this.fleet = new Fleet({
      ...simulatedLauncher(world, (runtime) => {
        this.runtimes.push(runtime);
        this.onLaunch(runtime);
      }),
      router: this.router,
      limits,
      clock,
      log: () => {},
      codeDirOf: (record) => this.codeDirOf(record),
      variablesOf: async () => ({ all: {}, secrets: {} }),
      logs: { add: () => true },
      showsOutput: false,
      serviceDataDir: "/",
      makeDir: () => {},
      serveCall: () => ignoredEvents,
    });
  }

  get living(): SimulatedRuntime[] {
    return this.runtimes.filter(({ isDead }) => !isDead);
  }

  record(service = "svc", changes: Partial<LeverJson> = {}, version = 1): VersionRecord {
    return {
      environment: ENVIRONMENT,
      service,
      version,
      codeId: `${service}-${version}`,
      leverJson: { ...leverJson, name: service, ...changes },
      methods: ["method", "chan"],
      archiveBytes: 0,
      unpackedBytes: 0,
      deployedAt: "",
    };
  }

  /** Makes a version live, without a candidate. */
  deploy(service?: string, changes?: Partial<LeverJson>, version?: number): void {
    goLive(this, this.record(service, changes, version));
  }

  /** Calls `method`, or opens `chan`. */
  call(service = "svc", { resource = "", isStream = false, timeoutMs = 0 } = {}): MadeCall {
    let outcome: string | undefined;
    const side = this.router.open(
      {
        target: {
          environment: ENVIRONMENT,
          service,
          resource,
          method: isStream ? "chan" : "method",
        },
        caller: OUTSIDE,
        isStream,
        timeoutMs,
        kind: PAYLOAD_JSON,
        body: new TextEncoder().encode("[]"),
      },
      {
        ...ignoredEvents,
        onEnd: () => {
          outcome = "end";
        },
        onAbort: ({ code }) => {
          outcome = code;
        },
      },
      isStream,
    );
    return {
      side,
      get outcome() {
        return outcome;
      },
    };
  }

  /** Lets time pass, and lets promises settle after each timer. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    do {
      for (let i = 0; i < 10; i++) await undefined;
    } while (this.clock.runNext(until));
    this.clock.advance(until - this.clock.now());
  }
}
