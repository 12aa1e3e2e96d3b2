/** How much a service's instances carry, and whether more of them may come. */
export interface RouteCapacity {
  /** Regular calls that one instance is given before another instance gets the next. */
  readonly callsPerInstanceTarget: number;
  /** More calls in flight than this need another instance: the router then emits `demanded`. */
  readonly scaleUpAbove: number;
  /** More instances may come. If not, calls that join a standing queue are refused. */
  readonly canScaleUp: boolean;
}

/** The capacity of a route whose instances nothing scales. */
export const UNSCALED: RouteCapacity = {
  callsPerInstanceTarget: Number.POSITIVE_INFINITY,
  scaleUpAbove: 0,
  canScaleUp: true,
};
