/** Milliseconds of processors that one thousand calls take, of each kind of process. */
export interface CallCost {
  readonly host: number;
  /** All workers together; 0 = the host accepts connections itself. */
  readonly workers: number;
  readonly instances: number;
  /** What runs beside them on the same cores, such as the program that calls. */
  readonly others: number;
}

/**
 * The most calls a second that processes of one thread each can make on so many cores. The first of these is reached:
 *
 * - The host's own process is busy.
 * - All workers are busy, if connections are spread evenly.
 * - All cores are busy.
 *
 * There are as many instances as the calls need. A process that is busy takes as much time for a call as in the measurement.
 */
export function modelledRate(
  { host, workers, instances, others }: CallCost,
  machine: { readonly cores: number; readonly workers: number },
): number {
  const bounds = [1 / host, machine.cores / (host + workers + instances + others)];
  if (workers > 0) bounds.push(machine.workers / workers);
  return 1_000_000 * Math.min(...bounds);
}
