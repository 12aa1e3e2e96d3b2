/** What the choice looks at. */
export interface Candidate {
  /** Calls and open streams. */
  readonly callsInFlight: number;
  readonly streamsInFlight: number;
}

export interface Capacity {
  /** Calls and open streams on one instance. */
  readonly callsPerInstanceMax: number;
  /** Regular calls on one instance: more wait, so that those under way stay fast. Streams are not held to it. */
  readonly callsPerInstanceTarget: number;
}

/**
 * Which instance gets this call: the one with the fewest calls in flight; of equals the first from `turn` on, so that
 * they take turns. undefined = every instance is full, or there is none.
 */
export function chooseInstance<Instance extends Candidate>(
  instances: readonly Instance[],
  options: Capacity & { isStream: boolean; turn: number },
): Instance | undefined {
  let chosen: Instance | undefined;
  let fewest = options.callsPerInstanceMax;
  const count = instances.length;
  for (let i = 0; i < count; i++) {
    const instance = instances[(i + options.turn) % count];
    if (instance === undefined || instance.callsInFlight >= fewest) continue;
    const regular = instance.callsInFlight - instance.streamsInFlight;
    if (!options.isStream && regular >= options.callsPerInstanceTarget) continue;
    chosen = instance;
    fewest = instance.callsInFlight;
  }
  return chosen;
}

/** Which instance gets a new resource: the one with the fewest; of equals the one with the fewest calls in flight. */
export function chooseForResource<Instance extends Candidate>(
  instances: readonly Instance[],
  options: { callsPerInstanceMax: number; resourcesOf: (instance: Instance) => number },
): Instance | undefined {
  let chosen: Instance | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const instance of instances) {
    if (instance.callsInFlight >= options.callsPerInstanceMax) continue;
    const resources = options.resourcesOf(instance);
    const isTie = resources === fewest && instance.callsInFlight < (chosen?.callsInFlight ?? 0);
    if (resources >= fewest && !isTie) continue;
    chosen = instance;
    fewest = resources;
  }
  return chosen;
}
