/** More would only wait for the one router behind them. */
export const WORKERS_MAX = 64;
const USUAL_MAX = 8;
const CORES_MIN = 4;

/**
 * How many processes take connections when nobody says: none beside the host where cores are few and services need them,
 * else half of them. Only Linux spreads connections over processes that listen on one port.
 */
export function defaultWorkers(cores: number, platform: NodeJS.Platform): number {
  if (platform !== "linux" || cores < CORES_MIN) return 1;
  return Math.min(USUAL_MAX, Math.floor(cores / 2));
}
