import { Histogram } from "./histogram.ts";
import { labelsText, quoted } from "./labels.ts";
import { MethodMeter } from "./method-meter.ts";

/** The name under which services and methods without series of their own are counted together. */
export const OTHER = "_other";

/** Counts the calls of one service. */
export class ServiceMeter {
  readonly environment: string;
  readonly service: string;
  /** As the text format has them. */
  readonly labels: string;
  /** Methods with series of their own. */
  readonly methods: Map<string, MethodMeter> = new Map();
  /** At most one for regular and one for streaming methods. */
  readonly #otherMethods: MethodMeter[] = [];
  /** The last time at which `mark` found new calls, by the host's clock. */
  lastUsedAt = 0;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** undefined = no call has waited. */
  waits: Histogram | undefined;

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
    this.#otherMethods.push(meter);
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
  }

  #createMethod(method: string, isStream: boolean): MethodMeter {
    return new MethodMeter(method, { isStream, labels: `${this.labels},method=${quoted(method)}` });
  }
}
