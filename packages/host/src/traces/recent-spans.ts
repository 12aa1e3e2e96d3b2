import { processMs, type SpanRecord } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { Allowance } from "../logs/allowance.ts";
import type { CallEnd } from "./call-end.ts";
import { parseSpans } from "./parse-spans.ts";
import type { SpansOfCalls } from "./trace-records.ts";

/** Spans of a call as the instance has sent them: JSON of `SentSpan[]`, which nothing has checked yet. */
interface SentByInstance {
  readonly instance: string;
  readonly texts: readonly string[];
  readonly bytes: number;
}

/** Bytes of the spans that are remembered: enough for those of the seconds until a trace is kept. */
const BYTES_MAX = 4 * 1024 * 1024;
/** A service that records too many could displace the others'. */
const INSTANCE_BYTES_PER_SECOND = 1024 * 1024;
const INSTANCES_MAX = 10_000;
/** Bytes of the spans of one trace. */
const TRACE_BYTES_MAX = 128 * 1024;

/** The spans that instances have sent last, by the numbers of their calls. They are parsed when a trace needs them. */
export class RecentSpans {
  readonly #clock: Clock;
  readonly #calls = new Map<number, SentByInstance>();
  readonly #allowances = new Map<string, Allowance>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False = the instance sends too many. Spans that end after their call come by themselves. */
  add(instance: string, call: number, text: string): boolean {
    const bytes = Buffer.byteLength(text);
    if (!this.#allowanceOf(instance).take(bytes, this.#clock.now())) return false;
    const known = this.#calls.get(call);
    // A call that another instance had not read may have gone to this one.
    const before = known?.instance === instance ? known : undefined;
    this.#bytes -= (known?.bytes ?? 0) - (before?.bytes ?? 0);
    this.#calls.delete(call);
    this.#calls.set(call, {
      instance,
      texts: [...(before?.texts ?? []), text],
      bytes: (before?.bytes ?? 0) + bytes,
    });
    this.#bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.#calls) {
      if (this.#bytes <= BYTES_MAX) break;
      this.#calls.delete(oldest);
      this.#bytes -= freed;
    }
    return true;
  }

  /** The spans of these calls, by the numbers of the calls. */
  of(calls: readonly CallEnd[]): SpansOfCalls {
    const offset = this.#clock.now() - processMs();
    const found = new Map<number, readonly SpanRecord[]>();
    let bytes = 0;
    for (const { number, instance, arrivedAt } of calls) {
      const sent = this.#calls.get(number);
      // An instance may name any call.
      if (sent === undefined || sent.instance !== instance) continue;
      bytes += sent.bytes;
      if (bytes > TRACE_BYTES_MAX) break;
      const startOf = (at: number): number => at + offset - arrivedAt;
      found.set(
        number,
        sent.texts.flatMap((text) => parseSpans(text, startOf)),
      );
    }
    return found;
  }

  #allowanceOf(instance: string): Allowance {
    let allowance = this.#allowances.get(instance);
    if (allowance === undefined) {
      const [oldest] = this.#allowances.keys();
      if (this.#allowances.size >= INSTANCES_MAX && oldest !== undefined) {
        this.#allowances.delete(oldest);
      }
      const now = this.#clock.now();
      allowance = new Allowance(INSTANCE_BYTES_PER_SECOND, INSTANCE_BYTES_PER_SECOND, now);
      this.#allowances.set(instance, allowance);
    }
    return allowance;
  }
}
