import type { RecordedCall } from "../router/call-recorder.ts";
import { type CallDetails, type CallEnd, callingService } from "./call-end.ts";

/** Memory is allocated for so many calls at a time: an idle host needs none. */
const SEGMENT_CALLS = 4_096;

/** Typed arrays and plain arrays of long-lived values: objects with a turnover per call would cost garbage collections. */
class Segment {
  readonly numbers: Float64Array = new Float64Array(SEGMENT_CALLS);
  readonly parents: Float64Array = new Float64Array(SEGMENT_CALLS);
  readonly roots: Float64Array = new Float64Array(SEGMENT_CALLS);
  readonly arrivedAt: Float64Array = new Float64Array(SEGMENT_CALLS);
  readonly endedAt: Float64Array = new Float64Array(SEGMENT_CALLS);
  readonly bodyBytes: Uint32Array = new Uint32Array(SEGMENT_CALLS);
  readonly versions: Uint32Array = new Uint32Array(SEGMENT_CALLS);
  readonly routes: (RecordedCall["route"] | undefined)[] = emptyPlaces();
  readonly methods: (string | undefined)[] = emptyPlaces();
  readonly instances: (string | undefined)[] = emptyPlaces();
  /** undefined = the caller is outside. */
  readonly callers: (string | undefined)[] = emptyPlaces();
  /** undefined for most calls. */
  readonly details: (CallDetails | undefined)[] = emptyPlaces();
}

function emptyPlaces<Value>(): (Value | undefined)[] {
  return new Array<Value | undefined>(SEGMENT_CALLS).fill(undefined);
}

/** Remembers the last calls that have ended, in the order in which they ended. */
export class CallRing {
  readonly #segments: Segment[] = [];
  readonly #segmentsMax: number;
  /** How many calls were added. */
  #count = 0;

  /** `callsMax` is rounded up to a multiple of 4,096. */
  constructor(callsMax: number) {
    this.#segmentsMax = Math.ceil(callsMax / SEGMENT_CALLS);
  }

  /** The position of the next call. Positions increase by one with each call. */
  get end(): number {
    return this.#count;
  }

  /** The position of the oldest call that it still has. */
  get start(): number {
    return Math.max(0, this.#count - this.#segmentsMax * SEGMENT_CALLS);
  }

  add(call: RecordedCall, method: string, details: CallDetails | undefined): void {
    const at = this.#count % SEGMENT_CALLS;
    const segment = this.#segmentFor(this.#count);
    this.#count++;
    segment.numbers[at] = call.number;
    segment.parents[at] = call.parent === undefined ? 0 : call.parent.number;
    segment.roots[at] = call.root;
    segment.arrivedAt[at] = call.arrivedAt;
    segment.endedAt[at] = call.endedAt;
    segment.bodyBytes[at] = call.bodyBytes;
    const { instance } = call;
    segment.versions[at] = instance === undefined ? 0 : instance.version;
    segment.instances[at] = instance?.instance;
    segment.routes[at] = call.route;
    segment.methods[at] = method;
    const caller = callingService(call);
    if (segment.callers[at] !== caller) segment.callers[at] = caller;
    if (segment.details[at] !== details) segment.details[at] = details;
  }

  /** The call at a position from `start` until before `end`. */
  at(position: number): CallEnd | undefined {
    const segment = this.#segments[Math.floor(position / SEGMENT_CALLS) % this.#segmentsMax];
    const at = position % SEGMENT_CALLS;
    const route = segment?.routes[at];
    if (segment === undefined || route === undefined) return undefined;
    return {
      number: segment.numbers[at] ?? 0,
      parent: segment.parents[at] ?? 0,
      root: segment.roots[at] ?? 0,
      arrivedAt: segment.arrivedAt[at] ?? 0,
      endedAt: segment.endedAt[at] ?? 0,
      bodyBytes: segment.bodyBytes[at] ?? 0,
      version: segment.versions[at] ?? 0,
      instance: segment.instances[at],
      environment: route.environment,
      service: route.service,
      method: segment.methods[at] ?? "",
      caller: segment.callers[at],
      details: segment.details[at],
    };
  }

  /** The calls with this root that have ended since a time of the clock, the last one first. */
  withRoot(root: number, since: number): CallEnd[] {
    const found: CallEnd[] = [];
    for (let position = this.end - 1; position >= this.start; position--) {
      const segment = this.#segments[Math.floor(position / SEGMENT_CALLS) % this.#segmentsMax];
      const at = position % SEGMENT_CALLS;
      if (segment === undefined || (segment.endedAt[at] ?? 0) < since) break;
      if (segment.roots[at] !== root) continue;
      const call = this.at(position);
      if (call !== undefined) found.push(call);
    }
    return found;
  }

  /** The call with this number. */
  find(number: number): CallEnd | undefined {
    for (const [index, segment] of this.#segments.entries()) {
      const at = segment.numbers.indexOf(number);
      if (at !== -1) return this.at(index * SEGMENT_CALLS + at);
    }
    return undefined;
  }

  #segmentFor(position: number): Segment {
    const index = Math.floor(position / SEGMENT_CALLS) % this.#segmentsMax;
    const known = this.#segments[index];
    if (known !== undefined) return known;
    const segment = new Segment();
    this.#segments[index] = segment;
    return segment;
  }
}
