import {
  type CallHandle,
  decodeValue,
  hookRequest,
  LeverError,
  type ResourceHook,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { InstanceTarget } from "./instance-target.ts";

export interface HookFailure {
  readonly error: LeverError;
  /** It gave no answer: whatever it does, it may be doing it still. */
  readonly isOutcomeUnknown: boolean;
}

/**
 * Tells an instance that a resource comes to it, or leaves it: a call of the service's own `newResource` or
 * `closeResource`, with the resource and its epoch as arguments. `done` is called once; never, when the instance is gone.
 */
export function runHook(
  target: InstanceTarget,
  hook: ResourceHook,
  options: { resource: string; epoch: number; timeoutMs: number; clock: Clock },
  done: (failure: HookFailure | undefined) => void,
): void {
  const { resource, epoch, timeoutMs, clock } = options;
  let isOver = false;
  const finish = (failure?: { reason: string; isOutcomeUnknown: boolean }): void => {
    if (isOver) return;
    isOver = true;
    clock.clearTimeout(timer);
    if (failure === undefined) {
      done(undefined);
      return;
    }
    const error = new LeverError(
      "resource_failed",
      `Cannot use the resource ${resource}: ${hook} failed: ${failure.reason}`,
    );
    done({ error, isOutcomeUnknown: failure.isOutcomeUnknown });
  };
  const timer = clock.setTimeout(() => {
    side?.abort(new LeverError("deadline_exceeded", `${hook} took too long.`));
    finish({ reason: `it had not finished after ${timeoutMs} ms.`, isOutcomeUnknown: true });
  }, timeoutMs);
  const request = hookRequest(hook, { resource, epoch, timeoutMs });
  const side: CallHandle | undefined = target.callee.open(
    request,
    {
      onMessage: () => finish(),
      onEnd: () => finish(),
      onFail: (kind, bytes) => {
        const value = decodeValue(kind, bytes);
        finish({
          reason: typeof value === "string" ? value : (JSON.stringify(value) ?? ""),
          isOutcomeUnknown: false,
        });
      },
      // With a broken link the instance goes, and its ownership with it.
      onAbort: (error) => finish({ reason: error.message, isOutcomeUnknown: true }),
      onDrain() {},
    },
    false,
  );
}
