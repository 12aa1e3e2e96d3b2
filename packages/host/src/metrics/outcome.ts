/**
 * The ways in which a call ends, each with its position in arrays of counts.
 *
 * - `ok`: the method has returned.
 * - `error`: the method has failed.
 * - `refused`: Lever has refused the call, because of overload or for its form.
 * - `unavailable`: the service was stopped, removed or replaced meanwhile.
 * - `timeout`: the deadline has passed.
 * - `cancelled`: the caller has left.
 * - `crashed`: the instance has failed, or could not start.
 */
export const outcomes = {
  ok: 0,
  error: 1,
  refused: 2,
  unavailable: 3,
  timeout: 4,
  cancelled: 5,
  crashed: 6,
} as const;

type OutcomeName = keyof typeof outcomes;
export type Outcome = (typeof outcomes)[OutcomeName];

export const outcomeNames = Object.keys(outcomes) as readonly OutcomeName[];
