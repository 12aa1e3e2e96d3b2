import { Counts } from "./counts.ts";
import { Histogram } from "./histogram.ts";
import { labelsText, quoted } from "./labels.ts";
import { MethodMeter } from "./method-meter.ts";

/** The name under which services and methods without series of their own are counted together. */
export const OTHER = "_other";

export const startPhases = ["prepare", "launch", "load"] as const;
type StartPhase = (typeof startPhases)[number];

/** The starts of a service's instances, because of calls. */
class StartMeter {
  /** By `start` and `result`, as labels. */
  readonly counts: Counts = new Counts();
  readonly phases: Readonly<Record<StartPhase, Histogram>> = {
    prepare: new Histogram(),
    launch: new Histogram(),
    load: new Histogram(),
  };
}

/** Counts the calls and the instances of one service. */
export class ServiceMeter {
  readonly environment: string;
  readonly service: string;
  /** As the text format has them. */
  readonly labels: string;
  /** Methods with series of their own. */
  readonly methods: Map<string, MethodMeter> = new Map();
  /** At most one for regular and one for streaming methods. */
  #otherMethods: readonly MethodMeter[] = [];
  /** The last time at which `mark` found new calls, by the host's clock. */
  lastUsedAt = 0;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** undefined = no call has waited. */
  waits: Histogram | undefined;
  /** undefined = no instance has started. */
  #starts: StartMeter | undefined;
  /** Ended instances by their reason. */
  #exits: Counts | undefined;
  /** How often an instance has become the owner of a resource. */
  resourceOpens = 0;
  /** Processor time of the instances that have exited. */
  pastCpuSeconds = 0;
  /** Bytes of the output that instances have printed, as far as it was logged. */
  logBytes = 0;
  logDroppedBytes = 0;
  /** Spans of its calls that were neither kept nor sent to a collector, because there were too many. */
  spansDropped = 0;

  constructor(environment: string, service: string) {
    this.environment = environment;
    this.service = service;
    this.labels = labelsText({ environment, service });
  }

  /** Bytes of a caller, and the messages of a stream that they are. */
  received(bytes: number, messages: number): void {
    this.bytesIn += bytes;
    this.messagesIn += messages;
  }

  /** Bytes of a method, and the messages of a stream that they are. */
  sent(bytes: number, messages: number): void {
    this.bytesOut += bytes;
    this.messagesOut += messages;
  }

  /** Ends a part of the windows of its methods. */
  mark(now: number): void {
    for (const method of this.allMethods) if (method.mark()) this.lastUsedAt = now;
  }

  /** A call has waited for an instance. */
  waited(ms: number): void {
    this.waits ??= new Histogram();
    this.waits.observe(ms);
  }

  get exits(): Iterable<readonly [reason: string, count: number]> {
    return this.#exits ?? [];
  }

  addExits(exits: Iterable<readonly [reason: string, count: number]>): void {
    this.#exits ??= new Counts();
    this.#exits.addAll(exits);
  }

  /** There were calls within the window of recent ones. */
  get hasRecent(): boolean {
    return this.allMethods.some(({ hasRecent }) => hasRecent);
  }

  get starts(): Pick<StartMeter, "counts" | "phases"> | undefined {
    return this.#starts;
  }

  /** An instance is ready, after so many milliseconds in each phase. */
  started(isWarm: boolean, times: Readonly<Record<StartPhase, number>>): void {
    const starts = this.#startMeter;
    starts.counts.add(labelsText({ start: isWarm ? "warm" : "cold", result: "ready" }));
    for (const phase of startPhases) starts.phases[phase].observe(times[phase]);
  }

  /** An instance has not become ready. */
  startFailed(isWarm: boolean): void {
    this.#startMeter.counts.add(labelsText({ start: isWarm ? "warm" : "cold", result: "failed" }));
  }

  get #startMeter(): StartMeter {
    this.#starts ??= new StartMeter();
    return this.#starts;
  }

  get allMethods(): readonly MethodMeter[] {
    return [...this.methods.values(), ...this.#otherMethods];
  }

  addMethod(method: string, isStream: boolean): MethodMeter {
    const meter = this.#createMethod(method, isStream);
    this.methods.set(method, meter);
    return meter;
  }

  /** The meter for methods without one of their own. */
  otherMethod(isStream: boolean): MethodMeter {
    const known = this.#otherMethods.find((meter) => meter.isStream === isStream);
    if (known !== undefined) return known;
    const meter = this.#createMethod(isStream ? `${OTHER}Chan` : OTHER, isStream);
    this.#otherMethods = [...this.#otherMethods, meter];
    return meter;
  }

  /** Adds everything that another one has counted, without its methods' names. */
  add(other: ServiceMeter): void {
    for (const method of other.allMethods) this.otherMethod(method.isStream).add(method);
    this.messagesIn += other.messagesIn;
    this.messagesOut += other.messagesOut;
    this.bytesIn += other.bytesIn;
    this.bytesOut += other.bytesOut;
    if (other.waits !== undefined) {
      this.waits ??= new Histogram();
      this.waits.add(other.waits);
    }
    if (other.starts !== undefined) {
      const { counts, phases } = this.#startMeter;
      counts.addAll(other.starts.counts);
      for (const phase of startPhases) phases[phase].add(other.starts.phases[phase]);
    }
    this.addExits(other.exits);
    this.resourceOpens += other.resourceOpens;
    this.pastCpuSeconds += other.pastCpuSeconds;
    this.logBytes += other.logBytes;
    this.logDroppedBytes += other.logDroppedBytes;
    this.spansDropped += other.spansDropped;
  }

  #createMethod(method: string, isStream: boolean): MethodMeter {
    return new MethodMeter(method, { isStream, labels: `${this.labels},method=${quoted(method)}` });
  }
}
