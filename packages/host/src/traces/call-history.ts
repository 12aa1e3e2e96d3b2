import {
  type CallFilter,
  type CallRecord,
  type CallTrace,
  formatCallId,
  type Limits,
  parseCallId,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { MethodMeter } from "../metrics/method-meter.ts";
import { isSampledNumber, traceIds } from "../router/call-numbers.ts";
import {
  type CallFailure,
  type CallRecorder,
  isRecordedCall,
  type RecordedCall,
} from "../router/call-recorder.ts";
import { type CallEnd, codeOf, detailsOf, recordOf, runningCall } from "./call-end.ts";
import { isWanted, isWantedRecord } from "./call-filter.ts";
import { CallRing } from "./call-ring.ts";
import { KeptCalls, type KeptKind } from "./kept-calls.ts";
import type { OtlpExporter } from "./otlp-exporter.ts";
import type { OtlpTarget } from "./otlp-target.ts";
import { RecentSpans } from "./recent-spans.ts";
import { tracedRecords, traceIdOf, traceOf } from "./trace-records.ts";

/** A call that takes longer is slow, whatever its method. */
const SLOW_MS = 1_000;
/** A call is not slow below that: garbage collections and other processes delay the fastest methods. */
const SLOW_MS_MIN = 5;
/** Time after which a trace is kept, so that calls that its last call has made have ended too. */
const KEEP_AFTER_MS = 250;
/** Traces that are kept at once, each `KEEP_AFTER_MS`. */
const KEPT_AT_ONCE_MAX = 50;
/** The least time between two kept traces of one kind and method. */
const METHOD_PAUSE_MS = 1_000;
/** Calls in one reply, and in one trace. */
const LISTED_CALLS_MAX = 1_000;

export interface CallHistoryOptions {
  readonly limits: Pick<Limits, "callsRememberedMax" | "traceSampledEach" | "keptCallsBytesMax">;
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called for each span that was not sent to the collector. */
  readonly onSpanDropped?: (environment: string, service: string) => void;
  /** The calls that run in an environment. */
  readonly running: (environment: string) => readonly RecordedCall[];
}

interface PendingTrace {
  readonly kind: KeptKind;
  readonly root: number;
  readonly number: number;
  readonly arrivedAt: number;
}

/**
 * The flight recorder: the last calls of the host in memory, and whole traces in files. A trace is kept when a call in it has
 * failed, waited for an instance or was slow, or when it is sampled.
 */
export class CallHistory implements CallRecorder {
  readonly #options: CallHistoryOptions;
  readonly #ring: CallRing;
  readonly #kept: KeptCalls;
  readonly #spans: RecentSpans;
  readonly #pending: PendingTrace[] = [];
  #timer: unknown;
  #hasFailedToWrite = false;
  #exporter: OtlpExporter | undefined;

  constructor(options: CallHistoryOptions) {
    const { limits, dir, log, clock } = options;
    this.#options = options;
    this.#spans = new RecentSpans(clock);
    this.#ring = new CallRing(limits.callsRememberedMax);
    this.#kept = new KeptCalls({
      dir,
      bytesMax: limits.keptCallsBytesMax,
      onError: (error) => {
        if (!this.#hasFailedToWrite) {
          log("warn", "traces", "calls not kept", { reason: String(error) });
        }
        this.#hasFailedToWrite = true;
      },
    });
  }

  isSampled(number: number): boolean {
    return isSampledNumber(number, this.#options.limits.traceSampledEach);
  }

  record(
    call: RecordedCall,
    failure: CallFailure | undefined,
    meter: MethodMeter | undefined,
  ): void {
    const ms = call.endedAt - call.arrivedAt;
    const isUnusual = meter?.tail.observe(ms) === true && ms > SLOW_MS_MIN;
    const isSlow = !call.isStream && (isUnusual || ms > SLOW_MS);
    const isNotable =
      failure !== undefined ||
      call.waitTimes !== undefined ||
      isSlow ||
      call.isSampled ||
      call.isNotable;
    if (call.isSampled) {
      const traceId = call.trace?.traceId ?? traceIds.traceId(call.root);
      meter?.durations.exemplify({ traceId, ms, at: this.#options.clock.wallTime() });
    }
    const details = isNotable ? detailsOf(call, failure) : undefined;
    const method = meter?.method ?? "_";
    // Methods without a meter of their own share one.
    this.#ring.add(call, method.startsWith("_") ? call.methodName : method, details);
    if (isNotable) this.#mayKeep(call, failure, meter);
  }

  /** An instance has recorded spans in the course of a call, as JSON. False = they are dropped. */
  addSpans(instance: string, call: number, text: string): boolean {
    return this.#spans.add(instance, call, text);
  }

  /** Calls that have ended, or that run, oldest first. */
  async list(environment: string, filter: CallFilter): Promise<readonly CallRecord[]> {
    const limit = Math.min(filter.limit ?? 100, LISTED_CALLS_MAX);
    if (filter.running === true) return this.#listRunning(environment, filter).slice(0, limit);
    const found = new Map<string, CallRecord>();
    const offset = this.#wallTimeOffset;
    for (let at = this.#ring.end - 1; at >= this.#ring.start && found.size < limit; at--) {
      const call = this.#ring.at(at);
      if (call === undefined || !isWanted(call, environment, filter)) continue;
      const record = recordOf(call, offset);
      found.set(record.id, record);
    }
    if (found.size < limit) {
      for await (const trace of this.#kept.read(`"environment":${JSON.stringify(environment)}`)) {
        if (trace.environment !== environment) continue;
        for (const { span, spans, parentSpan, ...record } of trace.calls) {
          if (isWantedRecord(record, filter) && !found.has(record.id)) found.set(record.id, record);
        }
      }
    }
    return [...found.values()].sort((a, b) => (a.at < b.at ? -1 : 1)).slice(-limit);
  }

  /** The wanted calls that have ended since a position of an earlier reply, and how many others were forgotten meanwhile. */
  since(
    position: number,
    environment: string,
    filter: CallFilter,
  ): { readonly calls: readonly CallRecord[]; readonly lost: number; readonly next: number } {
    const { start, end } = this.#ring;
    const calls: CallRecord[] = [];
    const offset = this.#wallTimeOffset;
    let at = Math.max(position, start);
    for (; at < end && calls.length < LISTED_CALLS_MAX; at++) {
      const call = this.#ring.at(at);
      if (call !== undefined && isWanted(call, environment, filter)) {
        calls.push(recordOf(call, offset));
      }
    }
    return { calls, lost: Math.max(0, start - position), next: at };
  }

  /** The position after the last call. */
  get end(): number {
    return this.#ring.end;
  }

  /** The trace that a call belongs to; undefined = the host has no such call in the environment. */
  async trace(environment: string, id: string): Promise<CallTrace | undefined> {
    const number = parseCallId(id);
    if (number === undefined) return await this.#keptTrace(environment, `"traceId":"${id}"`);
    const running = this.#options.running(environment);
    const found = this.#ring.find(number) ?? running.find((call) => call.number === number);
    const calls = found === undefined ? [] : this.#collect(found.root, running);
    const spans = this.#spans.of(calls);
    const records = tracedRecords(calls, environment, {
      spans,
      wallTimeOffset: this.#wallTimeOffset,
    });
    if (records.some((call) => call.id === id)) {
      return { id: records[0]?.id ?? "", traceId: traceIdOf(calls), calls: records };
    }
    return await this.#keptTrace(environment, `"id":"${id}"`);
  }

  async #keptTrace(environment: string, contains: string): Promise<CallTrace | undefined> {
    this.#keepPending();
    for await (const trace of this.#kept.read(contains)) {
      if (trace.environment !== environment) continue;
      return { id: trace.calls[0]?.id ?? "", traceId: trace.traceId, calls: trace.calls };
    }
    return undefined;
  }

  /** Sends kept traces to a collector from now on. */
  async exportTo(target: OtlpTarget): Promise<void> {
    // Few hosts need it.
    const { OtlpExporter } = await import("./otlp-exporter.ts");
    this.#exporter = new OtlpExporter({
      ...this.#options,
      target,
      onDropped: this.#options.onSpanDropped,
    });
  }

  /** Writes and sends what is to be kept. */
  async close(): Promise<void> {
    this.#keepPending();
    await this.#exporter?.close();
    await this.#kept.written();
  }

  #listRunning(environment: string, filter: CallFilter): CallRecord[] {
    const now = this.#options.clock.now();
    return this.#options
      .running(environment)
      .map((call) => runningCall(call, now))
      .filter((call) => isWanted(call, environment, filter))
      .map((call) => recordOf(call, this.#wallTimeOffset))
      .sort((a, b) => b.ms - a.ms);
  }

  #collect(root: number, running: readonly RecordedCall[]): readonly CallEnd[] {
    const now = this.#options.clock.now();
    const ended = this.#ring.withRoot(root, Number.NEGATIVE_INFINITY);
    const open = running.filter((call) => call.root === root).map((call) => runningCall(call, now));
    return [...ended, ...open];
  }

  /** The first call of a chain decides, when it ends. A stream may be open for long: then the call itself does. */
  #mayKeep(
    call: RecordedCall,
    failure: CallFailure | undefined,
    meter: MethodMeter | undefined,
  ): void {
    const first = firstOf(call);
    if (first !== call && first.endedAt === 0 && !first.isStream) {
      first.isNotable = true;
      return;
    }
    const isFailed = failure !== undefined && codeOf(failure) !== "cancelled";
    const kind = isFailed ? "failed" : "slow";
    const now = call.endedAt;
    if (meter !== undefined && !call.isSampled) {
      const { tail } = meter;
      const last = isFailed ? tail.failedAt : tail.slowAt;
      if (now - last < METHOD_PAUSE_MS) return;
      if (isFailed) tail.failedAt = now;
      else tail.slowAt = now;
    }
    if (this.#pending.length >= KEPT_AT_ONCE_MAX) return;
    const { number, root, arrivedAt } = call;
    this.#pending.push({ kind, number, root, arrivedAt });
    if (this.#pending.length > 1) return;
    this.#timer = this.#options.clock.setTimeout(() => this.#keepPending(), KEEP_AFTER_MS);
  }

  #keepPending(): void {
    this.#options.clock.clearTimeout(this.#timer);
    for (const { kind, number, root, arrivedAt } of this.#pending.splice(0)) {
      const calls = this.#ring.withRoot(root, arrivedAt);
      const own = calls.find((call) => call.number === number);
      if (own === undefined) continue;
      const traceId = traceIdOf(calls);
      const wallTimeOffset = this.#wallTimeOffset;
      const spans = this.#spans.of(calls);
      this.#exporter?.add({ ...traceOf(calls), calls, spans, traceId, wallTimeOffset, spanIdOf });
      // Each environment sees its own calls.
      for (const environment of new Set(calls.map((call) => call.environment))) {
        const records = tracedRecords(calls, environment, { spans, wallTimeOffset });
        this.#kept.add(kind, { environment, id: formatCallId(root), traceId, calls: records });
      }
    }
  }

  get #wallTimeOffset(): number {
    const { clock } = this.#options;
    return clock.wallTime() - clock.now();
  }
}

function firstOf(call: RecordedCall): RecordedCall {
  let first = call;
  for (let link = call.parent; link !== undefined; link = link.parent) {
    if (isRecordedCall(link)) first = link;
  }
  return first;
}

const spanIdOf = (number: number, kind?: 0 | 1): string => traceIds.spanId(number, kind);
