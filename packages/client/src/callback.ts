import type { LeverError } from "@leveros/protocol";

/** Receives the outcome of a call, as Node's callbacks do: `error` is null when there is a result. */
export type Callback<Result> = (
  ...outcome: [error: null, result: Result] | [error: LeverError, result: undefined]
) => void;

/** Separates the callback, a last argument that is a function, from the arguments. */
export function splitCallback(args: readonly unknown[]): {
  args: readonly unknown[];
  callback: Callback<unknown> | undefined;
} {
  const last = args.at(-1);
  return isCallback(last)
    ? { args: args.slice(0, -1), callback: last }
    : { args, callback: undefined };
}

/** Passes the outcome to the callback; without a callback returns it as a promise. */
export function settle(
  outcome: Promise<unknown>,
  callback: Callback<unknown> | undefined,
): Promise<unknown> | undefined {
  if (callback === undefined) return outcome;
  // Outside the promise chain: an exception of the callback is an uncaught error of the caller, not an error of the call.
  outcome.then(
    (result) => queueMicrotask(() => callback(null, result)),
    (error: LeverError) => queueMicrotask(() => callback(error, undefined)),
  );
  return undefined;
}

function isCallback(value: unknown): value is Callback<unknown> {
  return typeof value === "function";
}
