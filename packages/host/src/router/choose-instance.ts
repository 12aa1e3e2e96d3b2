/** The load of an instance. */
export interface Candidate {
  /** Calls and open streams. */
  readonly callsInFlight: number;
  readonly streamsInFlight: number;
}

export interface Capacity {
  /** Most calls and open streams on one instance. */
  readonly callsPerInstanceMax: number;
  /** Most regular calls on one instance. Further calls wait, so that those in flight stay fast. Streams do not count. */
  readonly callsPerInstanceTarget: number;
}

/**
 * Chooses the instance for a call: the one with the fewest calls in flight. Among equals it is the first from `turn` on
 * (round robin). undefined = every instance is full, or there is none.
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

/** Chooses the owner of a new resource: the instance with the fewest resources, and among equals the fewest calls. */
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
