// One class, although long: the process, the link and the state of an instance change together.

import type { InstanceState, LeverError } from "@leveros/protocol";
import type { RuntimeLink } from "../instance-link/instance-link.ts";
import {
  type InstanceNames,
  instanceMemoryMb,
  type LaunchedRuntime,
  type VisiblePaths,
} from "../launcher/launcher.ts";
import type { ProcessPhase } from "../processes/process-state.ts";
import { SupervisedProcess } from "../processes/supervised-process.ts";
import type { InstanceTarget } from "../router/instance-target.ts";
import type { InstanceContext } from "./instance-context.ts";
import { type ExitKind, endError, exitKind, startError, wasKilled } from "./instance-errors.ts";
import { InstanceOutput } from "./instance-output.ts";
import type { InstanceSpec } from "./instance-spec.ts";
import { instanceStatus } from "./instance-status.ts";
import { LinkActivity } from "./link-activity.ts";
import { preparationReason } from "./service-failures.ts";

/** Receives what happens to an instance: the service that it runs for. */
export interface InstanceListener {
  /** It has loaded its service and may get calls. */
  onReady(instance: Instance): void;
  /** It gets no new calls. */
  onStopping(instance: Instance): void;
  /** It is asked to exit: its streams, which might never end, must end now. */
  onTerminating(instance: Instance): void;
  onUnresponsive(instance: Instance): void;
  /** It answers again. */
  onRecovered(instance: Instance): void;
  /** Its process has exited. `error` has the reason, for callers. */
  onExited(instance: Instance, error: LeverError): void;
}

/** One running copy of one version of a service: its process, its link, its state. */
export class Instance {
  readonly spec: InstanceSpec;
  readonly target: InstanceTarget;
  readonly startedAt: Date;
  methods: readonly string[] = [];
  /** The service that it runs for; undefined = a candidate, which is not live yet. */
  listener: InstanceListener | undefined;
  /** The generation of its service that it belongs to. Set and compared by the service. */
  generation = 0;
  readonly #context: InstanceContext;
  readonly #output: InstanceOutput;
  readonly #process: SupervisedProcess<LaunchedRuntime>;
  readonly #link: RuntimeLink;
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #exited: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Why it could not start, from the instance itself or from its launcher. */
  #startError: (() => LeverError) | undefined;
  /** When its process had started. */
  #processAt: number | undefined;
  #wasReady = false;
  readonly #activity = new LinkActivity();
  /** Why it is stopped; undefined = it is not. */
  stopReason: string | undefined;
  /** It is stopped because its service needs fewer instances. */
  isSurplus = false;
  /** Its process died, or could not be attached, before any code of the service ran. */
  wasLost = false;
  /** How its process has ended, if it was not stopped. */
  exitKind: ExitKind = "crash";
  /** The unfinished step of its start, as it reports it. */
  #waitsFor: string | undefined;

  /** @throws LeverError `start_failed` when the launcher cannot start it. */
  constructor(
    spec: InstanceSpec,
    context: InstanceContext,
    listener: InstanceListener | undefined,
  ) {
    const { limits, log, clock, launcher } = context;
    const { environment, service, version, instance, ram } = spec;
    this.spec = spec;
    this.listener = listener;
    this.#context = context;
    this.#output = new InstanceOutput(this.about, spec.secrets, context);
    this.startedAt = new Date(clock.wallTime());
    // Only a deploy waits for it.
    this.#ready.promise.catch(() => {});
    this.#process = new SupervisedProcess(
      (onOutput) => launcher.launch({ ram, onOutput, variables: spec.start?.variables }),
      {
        onOutput: (record) => this.#output.add(record),
        onOutputDropped: (dropped) => this.#output.drop(dropped),
        onReady: () => this.#onReady(),
        onStopping: () => this.listener?.onStopping(this),
        requestStop: () => {
          this.listener?.onTerminating(this);
          this.#link.stop();
          this.#process.handle.terminate();
        },
        ping: (onPong) => this.#link.ping(onPong),
        onPong: (ms) => context.meter?.onPong(ms),
        onUnresponsive: () => {
          log("warn", "fleet", "instance unresponsive", this.about);
          this.listener?.onUnresponsive(this);
        },
        onRecovered: () => {
          log("info", "fleet", "instance recovered", this.about);
          this.listener?.onRecovered(this);
        },
        onExited: (end) => {
          this.exitKind = exitKind(end);
          this.wasLost ||=
            this.#waitsFor === undefined && this.#startError === undefined && wasKilled(end);
          this.#onExited(this.#startError?.() ?? endError(this.#failed(), end, limits));
        },
      },
      context,
    );
    this.#link = context.link(this.#process.handle, {
      messageBytesMax: limits.bodyBytesMax,
      callsMax: limits.callsPerInstanceMax,
      bytesPerSecond: ram * limits.networkBytesPerSecondPerMb,
      passed: context.meter?.passed,
      now: () => clock.now(),
      onCall: (request, side, openCalls) =>
        context.serveCall({ environment, service }, request, side, openCalls),
      onStarted: () => {
        this.#processAt ??= clock.now();
      },
      onReady: (methods) => {
        this.methods = methods;
        this.#wasReady = true;
        this.#setStartTimes();
        this.#process.step({ type: "loaded" });
      },
      onWaiting: (reason) => {
        this.#waitsFor = reason;
      },
      onFailed: (reason) => {
        // When its process has exited: its last output is in the logs by then.
        this.#startError = () => {
          this.#output.addFailure(reason);
          return startError(this.#failed(), this.#output.mask(reason));
        };
      },
      onStopping: () => this.stop("it received SIGTERM"),
      onSpans: (recorded) => context.meter?.onSpans(this.about, recorded),
      spanBytesMax: limits.spanBytesPerCallMax,
      // Open calls fail when the process has exited: its exit status is a better reason than a lost link.
      onLost: (reason) => {
        if (reason !== undefined)
          log("warn", "fleet", "link broken", { ...this.about, reason: reason.message });
        this.#process.step({ type: "lost" });
      },
    });
    this.target = { instance, version, callee: this.#link, callsInFlight: 0, streamsInFlight: 0 };
    log("debug", "fleet", "instance starting", { ...this.about, pid: this.pid });
    this.#assign();
  }

  /** Resolves when it has loaded its service. @throws LeverError with the reason when it ends before that. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when its process has exited, after its listener has been called. */
  get exited(): Promise<void> {
    return this.#exited.promise;
  }

  /** Its names, for the log. */
  get about(): InstanceNames {
    const { environment, service, version, instance } = this.spec;
    return { environment, service, version, instance };
  }

  get phase(): ProcessPhase {
    return this.#process.phase;
  }

  get isUnresponsive(): boolean {
    return this.#process.isUnresponsive;
  }

  /** Its state as users see it. */
  get status(): InstanceState {
    return instanceStatus(this);
  }

  /** It stops, or has stopped, because the host stopped it or it received SIGTERM. */
  get wasStopped(): boolean {
    return this.#process.wasStopped;
  }

  get pid(): number {
    return this.#process.pid;
  }

  get runtime(): Pick<LaunchedRuntime, "cpuSeconds" | "isWarm" | "memoryBytes"> {
    return this.#process.handle;
  }

  /** When its process was launched, by the host's clock. */
  get launchedAt(): number {
    return this.#process.launchedAt;
  }

  /** Must be called regularly (`HealthTicker`). */
  checkHealth(hostStallMs: number): void {
    // A link that is held to its rate delays pings.
    if (this.#link.isHeldBack) {
      this.#process.onSignOfLife();
      return;
    }
    const activity = this.#activity.next(this.#link);
    this.#process.checkHealth({ hostStallMs, isBusy: this.target.callsInFlight > 0, ...activity });
  }

  /** It gets no new calls, and is stopped at `stopAt` at the latest. One that is still starting is killed. */
  drain(stopAt: number, reason: string): void {
    this.stopReason ??= reason;
    this.#process.step({ type: "drain", stopAt });
  }

  /** Ends `drain`: it is needed again. */
  resume(): void {
    this.stopReason = undefined;
    this.isSurplus = false;
    this.#process.step({ type: "resume" });
  }

  /** Takes it out of the router, sends TERM, and KILL when it takes too long. May be called twice. */
  stop(reason?: string): void {
    this.stopReason ??= reason;
    this.#process.step({ type: "stop" });
  }

  kill(): void {
    this.#process.kill();
  }

  /** See `RuntimeLink.setOwnersEnd`. */
  setOwnersEnd(atMs: number | undefined): void {
    this.#link.setOwnersEnd(atMs);
  }

  #assign(): void {
    const { start, ...spec } = this.spec;
    const { bodyBytesMax, spansPerCallMax, spanBytesPerCallMax } = this.#context.limits;
    const spans = { spansMax: spansPerCallMax, spanBytesMax: spanBytesPerCallMax };
    const runtime = this.#process.handle;
    const assign = ({ codeDir, dataDir, user, hasOwnPorts }: VisiblePaths): void => {
      const variables = { HOME: dataDir, ...spec.variables, LEVEROS_DATA_DIR: dataDir };
      const preload = start && { preload: start.preload };
      const given = { ...spec, codeDir, variables, ...preload, bodyBytesMax, ...spans };
      this.#link.assign({ ...given, user, hasOwnPorts });
    };
    const attached = runtime.attach?.({ ...spec, names: this.about });
    if (attached === undefined) {
      assign(spec);
      return;
    }
    attached.then(assign, (error: unknown) => {
      const reason = String(error);
      this.#context.log("warn", "fleet", "preparation failed", { ...this.about, reason });
      const text = `Its code and data could not be attached: ${preparationReason(error)}`;
      this.#startError ??= () => startError(this.#failed(), text);
      this.kill();
    });
  }

  #onReady(): void {
    const { isWarm, launchMs, loadMs } = this.target.start ?? {};
    const times = { isWarm, launchMs, loadMs };
    this.#context.log("info", "fleet", "instance ready", { ...this.about, ...times });
    this.#ready.resolve();
    this.listener?.onReady(this);
  }

  #onExited(error: LeverError): void {
    this.#link.close(error);
    this.#context.onMemoryFreed(instanceMemoryMb(this.spec));
    this.#ready.reject(error);
    this.listener?.onExited(this, error);
    this.#exited.resolve();
  }

  #setStartTimes(): void {
    const now = this.#context.clock.now();
    const processAt = this.#processAt ?? now;
    this.target.readyAt = now;
    this.target.start = {
      isWarm: this.#process.handle.isWarm,
      prepareMs: this.spec.prepareMs,
      launchMs: processAt - this.launchedAt,
      loadMs: now - processAt,
    };
  }

  #failed(): Parameters<typeof endError>[0] {
    const { ram } = this.spec;
    const lastOutput = this.#output.mask(this.#process.lastOutput());
    const { wasStopped } = this;
    const wasReady = this.#wasReady;
    return { ...this.about, ram, wasReady, wasStopped, lastOutput, waitedFor: this.#waitsFor };
  }
}
