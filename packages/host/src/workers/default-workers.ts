const DEFAULT_MAX = 8;
/** With fewer cores, workers take more processor time from instances than they save in the host. */
const CORES_MIN = 4;

/**
 * How many processes accept connections by default: half as many as there are cores, at most 8. With fewer than 4 cores,
 * and on systems other than Linux, it is one: only Linux spreads the connections to a port over several processes.
 */
export function defaultWorkers(cores: number, platform: NodeJS.Platform): number {
  if (platform !== "linux" || cores < CORES_MIN) return 1;
  return Math.min(DEFAULT_MAX, Math.floor(cores / 2));
}

/** Why so many processes slow calls down; undefined = there are enough cores for them. */
export function lackOfCores(workers: number, cores: number): string | undefined {
  if (workers === 1 || cores >= CORES_MIN) return undefined;
  return `${workers} workers, the host and the instances share ${cores === 1 ? "one core" : `${cores} cores`}. With fewer than ${CORES_MIN} cores, plain HTTP calls are faster with --workers 1.`;
}
