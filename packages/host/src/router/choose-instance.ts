/** What the choice looks at. */
export interface Candidate {
  /** Calls and open streams. */
  readonly callsInFlight: number;
}

/**
 * Which instance gets this call: the one with the fewest calls in flight; of equals the first from `turn` on, so that
 * they take turns. undefined = every instance is full, or there is none.
 */
export function chooseInstance<Instance extends Candidate>(
  instances: readonly Instance[],
  options: { callsPerInstanceMax: number; turn: number },
): Instance | undefined {
  let chosen: Instance | undefined;
  let fewest = options.callsPerInstanceMax;
  const count = instances.length;
  for (let i = 0; i < count; i++) {
    const instance = instances[(i + options.turn) % count];
    if (instance !== undefined && instance.callsInFlight < fewest) {
      chosen = instance;
      fewest = instance.callsInFlight;
    }
  }
  return chosen;
}
