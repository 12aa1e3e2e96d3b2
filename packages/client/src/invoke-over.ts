import { type Callee, type CallOpening, LeverError, type Payload } from "@leveros/protocol";
import { leftCall, methodFailed } from "./reply-value.ts";

/**
 * Makes one regular call over a link.
 * @throws LeverError `method_failed` when the method did, `cancelled` when one of the signals is aborted before the
 * reply, and what the link says.
 */
export function invokeOver(
  callee: Callee,
  opening: CallOpening,
  leaving: readonly (AbortSignal | undefined)[],
): Promise<Payload> {
  const signals = leaving.filter((signal) => signal !== undefined);
  const over = signals.length === 0 ? undefined : new AbortController();
  const reply = new Promise<Payload>((resolve, reject) => {
    const side = callee.open(
      opening,
      {
        onMessage: (kind, bytes) => resolve({ kind, bytes }),
        // After a reply this changes nothing.
        onEnd: () =>
          reject(
            new LeverError("internal", `The call of ${opening.method} ended without a reply.`),
          ),
        onFail: (kind, bytes) => reject(methodFailed({ kind, bytes })),
        onAbort: reject,
        onDrain() {},
      },
      false,
    );
    if (over === undefined) return;
    // Left with its own caller, or by itself; a call that is over takes no more notice.
    const leave = (): void => {
      side.abort(leftCall());
      reject(leftCall());
    };
    for (const signal of signals) {
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true, signal: over.signal });
    }
  });
  return over === undefined ? reply : reply.finally(() => over.abort());
}
