/** Where a call belongs in a trace that began outside (W3C Trace Context). */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The span in whose course the call is made: 16 hexadecimal digits. */
  readonly spanId: string;
}

/** The span of a call, and that of the time in which it waited. */
export type SpanKind = 0 | 1;

const U32 = 2 ** 32;
const KIND_SHIFT = 24;

/**
 * Computes the ids of traces and spans from the numbers of calls, so that a call whose ids are not needed costs nothing. The
 * numbers go through a permutation of 64 bits, so that ids of different calls differ and look random.
 */
export class TraceIds {
  /** 16 hexadecimal digits, random for each start of a host: the first half of its trace ids. */
  readonly #prefix: string;
  readonly #keys: readonly [number, number];

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#keys = [
      Number.parseInt(prefix.slice(0, 8), 16),
      Number.parseInt(prefix.slice(8, 16), 16),
    ];
  }

  /** The id of the trace that begins with this call. */
  traceId(root: number): string {
    return this.#prefix + this.#permute(root, 0);
  }

  spanId(number: number, kind: SpanKind = 0): string {
    return this.#permute(number, kind);
  }

  /** A Feistel network of four rounds. */
  #permute(number: number, kind: SpanKind): string {
    const [first, second] = this.#keys;
    let left = (number / U32) | (kind << KIND_SHIFT);
    let right = number >>> 0;
    left ^= scramble(right ^ first);
    right ^= scramble(left ^ second);
    left ^= scramble(right + first);
    right ^= scramble(left + second);
    return hex(left) + hex(right);
  }
}

/** The header `traceparent` for calls in the course of a span. */
export function formatTraceparent(context: TraceContext, isSampled: boolean): string {
  return `00-${context.traceId}-${context.spanId}-0${isSampled ? 1 : 0}`;
}

/** The finalizer of MurmurHash3 (public domain, by Austin Appleby). */
function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
