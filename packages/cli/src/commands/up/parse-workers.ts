/** More would only wait for the one router behind them. */
export const WORKERS_MAX = 64;

/** Returns undefined unless the text is a number from 1 to `WORKERS_MAX`. */
export function parseWorkers(text: string): number | undefined {
  const workers = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  return workers >= 1 && workers <= WORKERS_MAX ? workers : undefined;
}
