import {
  type CallHandle,
  type CallListener,
  type CallOpening,
  LeverError,
  type Limits,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { InstanceLinkHandlers, RuntimeLink } from "../instance-link/instance-link.ts";
import type { LaunchedRuntime, Launcher, ProcessExit, VisiblePaths } from "../launcher/launcher.ts";
import type { Log } from "../logs/log.ts";
import { OutputLog } from "../processes/output-log.ts";
import { checkHealth, type HealthState, healthyNow } from "../processes/process-health.ts";
import type { Caller } from "../router/router.ts";
import type { InstanceTarget } from "../router/service-route.ts";
import {
  type InstanceAction,
  type InstanceEvent,
  type InstanceState,
  stepInstance,
} from "./instance-state.ts";

/** What V8 writes before it ends a process whose heap is at its limit. */
const HEAP_IS_FULL = "JavaScript heap out of memory";

/** What an instance is an instance of. */
export interface InstanceSpec {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
  readonly codeDir: string;
  /** Where its service may keep files. */
  readonly dataDir: string;
  readonly jsEntry: string | undefined;
  readonly entry: readonly string[] | undefined;
  readonly variables: Readonly<Record<string, string>>;
  /** Megabytes that it is allotted. */
  readonly ram: number;
  /** Processors that it may use at the most; undefined = all that nobody else needs. */
  readonly maxCpu: number | undefined;
  /** How long it took to get the code ready. */
  readonly prepareMs: number;
}

export interface InstanceOwner {
  readonly launcher: Launcher;
  link(runtime: LaunchedRuntime, handlers: InstanceLinkHandlers): RuntimeLink;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  onCall(caller: Caller, opening: CallOpening, side: CallHandle): CallListener;
  /** Its service is loaded: it may get calls. */
  onReady(instance: Instance): void;
  /** No new calls for it. */
  onUnroute(instance: Instance): void;
  /** Its process does not answer. */
  onUnresponsive(instance: Instance): void;
  /** It answers again. */
  onRecovered(instance: Instance): void;
  /** Its process has ended. `error` says why, in a sentence for callers. */
  onExited(instance: Instance, error: LeverError): void;
}

/** One running copy of one version of a service: its process, its link, its state. */
export class Instance {
  readonly spec: InstanceSpec;
  readonly target: InstanceTarget;
  readonly startedAt: Date = new Date();
  methods: readonly string[] = [];
  /** Of its service: set by whoever has it, and compared by nobody else. */
  generation = 0;
  readonly #owner: InstanceOwner;
  readonly #runtime: LaunchedRuntime;
  readonly #link: RuntimeLink;
  readonly #output: OutputLog;
  #state: InstanceState;
  #timer: unknown;
  /** Why it could not start, when it said so itself. */
  #failure: LeverError | undefined;
  #exit: ProcessExit | undefined;
  #health: HealthState;
  /** By the owner's clock. */
  readonly launchedAt: number;
  /** When its process had started. */
  #processAt: number | undefined;
  #wasReady = false;
  #wasStopped = false;
  readonly #exited: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @throws LeverError `start_failed` when the launcher cannot start it. */
  constructor(spec: InstanceSpec, owner: InstanceOwner) {
    const { limits, log, clock } = owner;
    const { environment, service, version, instance } = spec;
    this.spec = spec;
    this.#owner = owner;
    const about = { environment, service, version, instance };
    this.#output = new OutputLog({
      bytesPerSecondMax: limits.loggedBytesPerSecondMax,
      clock: () => clock.now(),
      onLine: (line) => log("info", "fleet", "output", { ...about, line }),
      onDropped: (bytes) => log("warn", "fleet", "output dropped", { ...about, bytes }),
    });
    this.launchedAt = clock.now();
    this.#health = healthyNow(this.launchedAt);
    this.#state = { phase: "starting", failAt: clock.now() + limits.startTimeoutMs };
    this.#runtime = owner.launcher.launch({
      ram: spec.ram,
      onOutput: (chunk) => this.#output.push(chunk),
    });
    this.#link = owner.link(this.#runtime, {
      messageBytesMax: limits.bodyBytesMax,
      callsMax: limits.callsPerInstanceMax,
      bytesPerSecond: spec.ram * limits.networkBytesPerSecondPerMb,
      onCall: (opening, side) => owner.onCall({ environment, service }, opening, side),
      onStarted: () => {
        this.#processAt ??= clock.now();
      },
      onReady: (methods) => {
        this.methods = methods;
        this.#wasReady = true;
        this.#noteStart();
        this.#step({ type: "loaded" });
      },
      onFailed: (reason) => {
        this.#failure = this.#startError(reason);
      },
      onStopping: () => this.stop(),
      // Why it went, its exit will say; until then its open calls wait.
      onLost: (reason) => {
        if (reason !== undefined)
          log("warn", "fleet", "link broken", { ...about, reason: reason.message });
        this.#step({ type: "lost" });
      },
    });
    this.target = { instance, version, callee: this.#link, callsInFlight: 0, streamsInFlight: 0 };
    log("debug", "fleet", "instance starting", { ...about, pid: this.#runtime.pid });
    this.#assign();
    void this.#runtime.exited.then((exit) => {
      this.#exit = exit;
      this.#output.end();
      this.#link.close(this.#failure ?? this.#exitError());
      this.#step({ type: "exited" });
    });
    this.#setTimer();
  }

  #assign(): void {
    const { spec } = this;
    const { bodyBytesMax } = this.#owner.limits;
    const assign = ({ codeDir, dataDir, user }: VisiblePaths): void => {
      const variables = { HOME: dataDir, ...spec.variables, LEVEROS_DATA_DIR: dataDir };
      this.#link.assign({ ...spec, codeDir, variables, bodyBytesMax, user });
    };
    const entered = this.#runtime.attach?.(spec);
    if (entered === undefined) {
      assign(spec);
      return;
    }
    entered.then(assign, (error: unknown) => {
      this.#failure ??= this.#startError(`Its room could not be set up: ${String(error)}`);
      this.#runtime.kill();
    });
  }

  /** Bytes of memory that it uses. */
  get memoryBytes(): number {
    return this.#runtime.memoryBytes;
  }

  get phase(): InstanceState["phase"] {
    return this.#state.phase;
  }

  /** True when it ends, or ended, because it was told to. */
  get wasStopped(): boolean {
    return this.#wasStopped;
  }

  get pid(): number {
    return this.#runtime.pid;
  }

  /** Its process does not answer at the moment. */
  get isUnresponsive(): boolean {
    return this.#health.isUnresponsive;
  }

  /** Asks its process for a sign of life when that is due, and draws the consequences when there is none (`HealthOptions`). */
  checkHealth(hostStallMs: number): void {
    if (this.phase !== "ready") return;
    if (this.#link.isHeldBack) {
      this.#onPong();
      return;
    }
    const { clock, limits } = this.#owner;
    const isBusy = this.target.callsInFlight > 0;
    const { state, action } = checkHealth(this.#health, {
      now: clock.now(),
      hostStallMs,
      isBusy,
      unresponsiveAfterMs: limits.unresponsiveAfterMs,
      unresponsiveKillAfterMs: limits.unresponsiveKillAfterMs,
    });
    this.#health = state;
    if (action === "ping") this.#link.ping(() => this.#onPong());
    if (action === "unresponsive") this.#owner.onUnresponsive(this);
    if (action === "kill") {
      const seconds = Math.round(limits.unresponsiveKillAfterMs / 1_000);
      this.#failure = this.#instanceError(`did not answer for ${seconds} s and was killed`);
      this.#runtime.kill();
    }
  }

  #onPong(): void {
    const wasSilent = this.isUnresponsive;
    this.#health = healthyNow(this.#owner.clock.now());
    if (wasSilent && this.phase === "ready") this.#owner.onRecovered(this);
  }

  #noteStart(): void {
    const now = this.#owner.clock.now();
    const processAt = this.#processAt ?? now;
    this.target.start = {
      isWarm: this.#runtime.isWarm,
      prepareMs: this.spec.prepareMs,
      launchMs: processAt - this.launchedAt,
      loadMs: now - processAt,
    };
  }

  /** Takes it out of the router, TERM, and KILL when it takes too long. May be called twice. */
  stop(): void {
    this.#wasStopped = true;
    this.#step({ type: "stop" });
  }

  /** Ends it at once. */
  kill(): void {
    this.#runtime.kill();
  }

  /** Resolves when its process has ended, and its owner has heard of it. */
  get exited(): Promise<void> {
    return this.#exited.promise;
  }

  #step(event: InstanceEvent): void {
    const { clock, limits } = this.#owner;
    const options = { now: clock.now(), drainTimeoutMs: limits.drainTimeoutMs };
    const { state, actions } = stepInstance(this.#state, event, options);
    this.#state = state;
    for (const action of actions) this.#act(action);
    this.#setTimer();
  }

  #act(action: InstanceAction): void {
    switch (action) {
      case "route":
        this.#owner.onReady(this);
        return;
      case "unroute":
        this.#owner.onUnroute(this);
        return;
      case "stop":
        this.#link.stop();
        this.#runtime.terminate();
        return;
      case "startTimedOut":
        this.#failure = this.#startError(
          `It was still loading after ${this.#owner.limits.startTimeoutMs} ms`,
        );
        return;
      case "kill":
        this.#runtime.kill();
        return;
      case "exited":
        this.#owner.onExited(this, this.#failure ?? this.#exitError());
        this.#exited.resolve();
        return;
    }
  }

  /** For the next moment that matters. Timers may go off a little early: then the step sets it anew. */
  #setTimer(): void {
    const { clock } = this.#owner;
    clock.clearTimeout(this.#timer);
    const state = this.#state;
    const dueAt =
      state.phase === "starting"
        ? state.failAt
        : state.phase === "stopping"
          ? state.killAt
          : Number.POSITIVE_INFINITY;
    if (!Number.isFinite(dueAt)) return;
    this.#timer = clock.setTimeout(
      () => this.#step({ type: "tick" }),
      Math.max(0, dueAt - clock.now()),
    );
  }

  #startError(reason: string): LeverError {
    const { service, version } = this.spec;
    const dot = /[.!?]$/.test(reason) ? "" : ".";
    return new LeverError(
      "start_failed",
      `Cannot start ${service} version ${version}: ${reason}${dot}${this.#lastOutput()}`,
    );
  }

  #exitError(): LeverError {
    const how = this.#exitReason();
    if (!this.#wasReady) return this.#startError(`The instance ${how} before it was ready`);
    return this.#instanceError(how);
  }

  #instanceError(how: string): LeverError {
    const { service, version } = this.spec;
    return new LeverError(
      "instance_failed",
      `The instance of ${service} version ${version} that had the call ${how}.${this.#lastOutput()}`,
    );
  }

  #exitReason(): string {
    const { status, signal, limit } = this.#exit ?? {};
    if (limit !== undefined) return limit;
    if (signal === "SIGABRT" && this.#output.tail().includes(HEAP_IS_FULL)) {
      return `ended since its JavaScript objects needed more memory than fits into the ${this.spec.ram} MB that "ram" allots it`;
    }
    return signal === undefined ? `exited with status ${status}` : `was ended by ${signal}`;
  }

  #lastOutput(): string {
    const tail = this.#output.tail();
    return tail === "" ? "" : ` Its last output:\n${tail}`;
  }
}
