/** More would only wait for the one router behind them. */
export const WORKERS_MAX = 64;
const DEFAULT_MAX = 8;
const CORES_MIN = 4;

/**
 * How many processes accept connections by default: half as many as there are cores, at most 8. With fewer than 4 cores,
 * and on systems other than Linux, it is one: only Linux spreads the connections to a port over several processes.
 */
export function defaultWorkers(cores: number, platform: NodeJS.Platform): number {
  if (platform !== "linux" || cores < CORES_MIN) return 1;
  return Math.min(DEFAULT_MAX, Math.floor(cores / 2));
}

/** Returns undefined unless the text is a number from 1 to `WORKERS_MAX`. */
export function parseWorkers(text: string): number | undefined {
  const workers = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  return workers >= 1 && workers <= WORKERS_MAX ? workers : undefined;
}
