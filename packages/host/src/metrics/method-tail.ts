/** Share of the calls of a method that are slow against the others. */
const SLOW_SHARE = 0.01;
/** The estimate moves by this share of itself with a slower call, and back by a hundredth of that with any other. */
const STEP = 0.03;

/** The slow end of the durations of a method, as an estimate that follows its calls, without storing any. */
export class MethodTail {
  /** About one call in a hundred takes longer, in milliseconds. */
  slowMs = 0;
  /** When traces of its calls were kept last, by the host's clock. */
  failedAt: number = Number.NEGATIVE_INFINITY;
  slowAt: number = Number.NEGATIVE_INFINITY;

  /** True when the call took more than twice as long as nearly all others. */
  observe(ms: number): boolean {
    const { slowMs } = this;
    if (slowMs === 0) {
      this.slowMs = Math.max(ms, 0.01);
      return false;
    }
    this.slowMs = ms > slowMs ? slowMs * (1 + STEP) : slowMs * (1 - STEP * SLOW_SHARE);
    return ms > 2 * slowMs;
  }
}
