import type { LeverError } from "@leveros/protocol";

/** Hears the outcome of a call, in Node's way: `error` is null when there is a result. */
export type Callback<Result> = (
  ...outcome: [error: null, result: Result] | [error: LeverError, result: undefined]
) => void;

/** A last argument that is a function is the callback. */
export function splitCallback(args: readonly unknown[]): {
  args: readonly unknown[];
  callback: Callback<unknown> | undefined;
} {
  const last = args.at(-1);
  return isCallback(last)
    ? { args: args.slice(0, -1), callback: last }
    : { args, callback: undefined };
}

/** Gives the outcome to the callback when there is one, and as a promise otherwise. */
export function settle(
  outcome: Promise<unknown>,
  callback: Callback<unknown> | undefined,
): Promise<unknown> | undefined {
  if (callback === undefined) return outcome;
  // Out of the promise chain: what the callback throws is the caller's own uncaught error, and not the call's.
  outcome.then(
    (result) => queueMicrotask(() => callback(null, result)),
    (error: LeverError) => queueMicrotask(() => callback(error, undefined)),
  );
  return undefined;
}

function isCallback(value: unknown): value is Callback<unknown> {
  return typeof value === "function";
}
