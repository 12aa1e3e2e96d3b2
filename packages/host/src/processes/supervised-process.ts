import type { Dropped, Limits } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { OutputLog, type OutputRecord } from "./output-log.ts";
import type { ProcessExit } from "./process-exit.ts";
import { checkHealth, type HealthOptions, type HealthState, healthyNow } from "./process-health.ts";
import {
  dueAt,
  isServing,
  type ProcessAction,
  type ProcessEvent,
  type ProcessPhase,
  type ProcessState,
  type ProcessTimes,
  stepProcess,
} from "./process-state.ts";
import type { OnOutput } from "./read-output.ts";

/** The limit of the rate of output may be exceeded for so many seconds: a process that has been quiet may print a report. */
const BURST_SECONDS = 16;

/** A started process. */
export interface ProcessHandle {
  readonly pid: number;
  /** Resolves once, when the process has ended and its output has been read. */
  readonly exited: Promise<ProcessExit>;
  /** May be called at any time, and twice. */
  kill(): void;
}

/** Why a process has ended. */
export type ProcessEnd =
  | { readonly cause: "startTimedOut" }
  /** It did not answer its link for `unresponsiveKillAfterMs`. */
  | { readonly cause: "unresponsive" }
  | { readonly cause: "exited"; readonly exit: ProcessExit };

export interface SupervisionLimits
  extends ProcessTimes,
    Pick<
      Limits,
      | "startTimeoutMs"
      | "unresponsiveAfterMs"
      | "unresponsiveKillAfterMs"
      | "loggedBytesPerSecondMax"
      | "logRecordBytesMax"
    > {}

/** The owner of a process. Its methods are called when the state of the process changes. */
export interface ProcessOwner {
  onOutput(record: OutputRecord): void;
  onOutputDropped(dropped: Dropped): void;
  /** The process may get work. */
  onReady(): void;
  /** The process gets no new work. */
  onStopping(): void;
  /** Asks the process to exit. */
  requestStop(): void;
  /** Sends a ping over the link. */
  ping(onPong: () => void): void;
  /** The process has answered a ping after so long. */
  onPong?(ms: number): void;
  onUnresponsive(): void;
  /** The process answers again. */
  onRecovered(): void;
  /** The process has ended. Called once. */
  onExited(end: ProcessEnd): void;
}

/**
 * One child process of the host, from its start to its exit: its state, its start timeout, its output, its health. What
 * the process does, and how it is linked, is its owner's.
 */
export class SupervisedProcess<Handle extends ProcessHandle> {
  readonly handle: Handle;
  /** By the host's clock. */
  readonly launchedAt: number;
  readonly #clock: Clock;
  readonly #limits: SupervisionLimits;
  readonly #owner: ProcessOwner;
  readonly #output: OutputLog;
  #state: ProcessState;
  #timer: unknown;
  #health: HealthState;
  /** Why the process was killed; undefined = it was not, or only as the last step of a stop. */
  #killedFor: Exclude<ProcessEnd["cause"], "exited"> | undefined;

  /** @throws whatever `launch` throws. */
  constructor(
    launch: (onOutput: OnOutput) => Handle,
    owner: ProcessOwner,
    { clock, limits }: { clock: Clock; limits: SupervisionLimits },
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#owner = owner;
    this.#output = new OutputLog({
      bytesPerSecondMax: limits.loggedBytesPerSecondMax,
      burstBytesMax: limits.loggedBytesPerSecondMax * BURST_SECONDS,
      recordBytesMax: limits.logRecordBytesMax,
      clock,
      onRecord: (record) => owner.onOutput(record),
      onDropped: (dropped) => owner.onOutputDropped(dropped),
    });
    this.launchedAt = clock.now();
    this.#health = healthyNow(this.launchedAt);
    this.#state = { phase: "starting", failAt: this.launchedAt + limits.startTimeoutMs };
    this.handle = launch((chunk, stream) => this.#output.push(chunk, stream));
    void this.handle.exited.then((exit) => this.#onExited(exit));
    this.#setTimer();
  }

  get pid(): number {
    return this.handle.pid;
  }

  get phase(): ProcessPhase {
    return this.#state.phase;
  }

  /** The process ends, or has ended, because it was stopped. */
  get wasStopped(): boolean {
    const state = this.#state;
    return (state.phase === "stopping" || state.phase === "exited") && state.wasStopped;
  }

  /** The process does not answer its link at the moment. */
  get isUnresponsive(): boolean {
    return this.#health.isUnresponsive;
  }

  /** The last lines of its output. */
  lastOutput(): string {
    return this.#output.tail();
  }

  step(event: Exclude<ProcessEvent, { type: "exited" | "tick" }>): void {
    this.#step(event);
  }

  kill(): void {
    this.handle.kill();
  }

  /** Pings the process. What happens without an answer is up to `checkHealth`. */
  ping(onPong?: () => void): void {
    const sentAt = this.#clock.now();
    this.#health = { ...this.#health, pingedAt: this.#health.pingedAt ?? sentAt };
    this.#owner.ping(() => {
      this.#owner.onPong?.(this.#clock.now() - sentAt);
      this.onSignOfLife();
      onPong?.();
    });
  }

  onSignOfLife(): void {
    const wasUnresponsive = this.#health.isUnresponsive;
    this.#health = healthyNow(this.#clock.now());
    if (wasUnresponsive && isServing(this.#state)) this.#owner.onRecovered();
  }

  /** Pings a ready process when a ping is due, and kills it when it has not answered for too long (`HealthOptions`). */
  checkHealth(
    observed: Pick<HealthOptions, "hostStallMs" | "isBusy" | "hasNewCalls" | "hasAnswered">,
  ): void {
    if (!isServing(this.#state)) return;
    const { unresponsiveAfterMs, unresponsiveKillAfterMs } = this.#limits;
    const now = this.#clock.now();
    const { state, action } = checkHealth(this.#health, {
      ...observed,
      now,
      unresponsiveAfterMs,
      unresponsiveKillAfterMs,
    });
    this.#health = state;
    if (action === "ping") this.ping();
    if (action === "unresponsive") this.#owner.onUnresponsive();
    if (action === "kill") {
      this.#killedFor ??= "unresponsive";
      this.kill();
    }
  }

  #onExited(exit: ProcessExit): void {
    this.#output.end();
    this.#step({ type: "exited" });
    const cause = this.#killedFor;
    this.#owner.onExited(cause === undefined ? { cause: "exited", exit } : { cause });
  }

  #step(event: ProcessEvent): void {
    const { stopTimeoutMs, exitGraceMs } = this.#limits;
    const options = { now: this.#clock.now(), stopTimeoutMs, exitGraceMs };
    const { state, actions } = stepProcess(this.#state, event, options);
    this.#state = state;
    for (const action of actions) this.#act(action);
    this.#setTimer();
  }

  #act(action: ProcessAction): void {
    switch (action) {
      case "ready":
        this.#owner.onReady();
        return;
      case "unready":
        this.#owner.onStopping();
        return;
      case "stop":
        this.#owner.requestStop();
        return;
      case "startTimedOut":
        this.#killedFor ??= "startTimedOut";
        return;
      case "kill":
        this.kill();
        return;
    }
  }

  /** For the next change by time. A timer may fire a little early: then the step sets it again. */
  #setTimer(): void {
    this.#clock.clearTimeout(this.#timer);
    const at = dueAt(this.#state);
    if (at === undefined) return;
    const inMs = Math.max(0, at - this.#clock.now());
    this.#timer = this.#clock.setTimeout(() => this.#step({ type: "tick" }), inMs);
  }
}
