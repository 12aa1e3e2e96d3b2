import {
  type CallHandle,
  type CallListener,
  decodeValue,
  hookRequest,
  LeverError,
  type ResourceHook,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { SubmittedCall } from "./call.ts";
import { nextCallNumber } from "./call-numbers.ts";
import type { ChainLink } from "./chain-link.ts";
import type { InstanceTarget } from "./instance-target.ts";
import { ResourceLedger } from "./resource-ledger.ts";

interface HookFailure {
  readonly error: LeverError;
  /** The hook did not answer, so it may still be running. */
  readonly isOutcomeUnknown: boolean;
}

interface HookOptions {
  readonly route: object;
  /** The call that waits for the hook; undefined = none does. */
  readonly cause?: SubmittedCall | undefined;
  readonly resource: string;
  readonly epoch: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export interface HookedLedgerOptions {
  /** The route of the service. */
  readonly route: object;
  readonly clock: Clock;
  readonly hookTimeoutMs: number;
  /** See `LedgerActions`. */
  claim(resource: string): number | undefined;
  release(resource: string, epoch: number, owner: InstanceTarget | undefined): boolean;
  /** The owner may open resources when this resolves. undefined = it may now. */
  prepareOwner(owner: InstanceTarget): Promise<void> | undefined;
  onOpen(): void;
  /** The instance for a new resource; undefined = none can take one now. */
  choose(): InstanceTarget | undefined;
  assign(call: SubmittedCall, owner: InstanceTarget): void;
  refuse(calls: readonly SubmittedCall[], error: LeverError): void;
  /** `closeResource` did not end in time: the instance must exit before the resource gets another owner. */
  onStuck(owner: InstanceTarget, resource: string): void;
}

/** Creates a ledger that opens and closes resources by calling the hooks of the service. */
export function createLedger(
  options: HookedLedgerOptions,
): ResourceLedger<InstanceTarget, SubmittedCall> {
  const { clock, hookTimeoutMs: timeoutMs, onStuck, route } = options;
  const ledger = new ResourceLedger<InstanceTarget, SubmittedCall>({
    claim: (resource) => options.claim(resource),
    release: (resource, epoch, owner) => options.release(resource, epoch, owner),
    choose: () => options.choose(),
    open: (resource, owner, epoch, cause) => {
      options.onOpen();
      const open = (): void =>
        runHook(
          owner,
          "newResource",
          { resource, epoch, timeoutMs, clock, route, cause },
          (failure) => {
            if (failure === undefined) ledger.opened(resource, epoch);
            else ledger.failed(resource, epoch, failure);
          },
        );
      const prepared = options.prepareOwner(owner);
      if (prepared === undefined) {
        open();
        return;
      }
      prepared.then(
        () => {
          // The owner may be exiting by now.
          if (ledger.isOpening(resource, epoch)) open();
        },
        (error: LeverError) => ledger.failed(resource, epoch, { error, isOutcomeUnknown: false }),
      );
    },
    close: (resource, owner, epoch) =>
      runHook(owner, "closeResource", { resource, epoch, timeoutMs, clock, route }, (failure) => {
        if (failure?.isOutcomeUnknown === true) onStuck(owner, resource);
        else ledger.closed(resource, epoch);
      }),
    dispatch: (calls, owner) => {
      for (const call of calls) options.assign(call, owner);
    },
    refuse: (calls, error) => options.refuse(calls, error),
  });
  return ledger;
}

/**
 * Calls `newResource` or `closeResource` of the service on an instance, with the resource and its epoch as arguments.
 * `done` is called once, or never if the instance exits first.
 */
function runHook(
  target: InstanceTarget,
  hook: ResourceHook,
  { resource, epoch, timeoutMs, clock, route, cause }: HookOptions,
  done: (failure: HookFailure | undefined) => void,
): void {
  let isOver = false;
  const finish = (failure?: {
    reason: string;
    isOutcomeUnknown: boolean;
    /** The error of a program that answered with a gRPC status, which the waiting calls get as well. */
    answer?: LeverError;
  }): void => {
    if (isOver) return;
    isOver = true;
    clock.clearTimeout(timer);
    if (failure === undefined) {
      done(undefined);
      return;
    }
    const error = new LeverError(
      failure.answer?.code ?? "resource_failed",
      `Cannot use the resource ${resource}: ${hook} failed: ${failure.reason}`,
      { grpcStatus: failure.answer?.grpcStatus },
    );
    done({ error, isOutcomeUnknown: failure.isOutcomeUnknown });
  };
  const timer = clock.setTimeout(() => {
    side?.abort(new LeverError("deadline_exceeded", `${hook} took too long.`));
    finish({ reason: `it had not finished after ${timeoutMs} ms.`, isOutcomeUnknown: true });
  }, timeoutMs);
  const number = nextCallNumber();
  const request = hookRequest(hook, { resource, epoch, timeoutMs, number });
  const events: CallListener & ChainLink = {
    number,
    root: cause?.root ?? number,
    isSampled: cause?.isSampled === true,
    trace: cause?.trace,
    depth: 1 + (cause?.depth ?? 0),
    parent: cause,
    isOn: (instance) => instance === target && !isOver,
    usesOwnership: (of) =>
      of.route === route && of.resource === resource && of.epoch === epoch ? "hook" : undefined,
    onMessage: () => finish(),
    onEnd: () => finish(),
    onFail: (kind, bytes) => {
      const value = decodeValue(kind, bytes);
      finish({
        reason: typeof value === "string" ? value : (JSON.stringify(value) ?? ""),
        isOutcomeUnknown: false,
      });
    },
    onAbort: (error) => {
      const reason = error.message;
      // A status is the program's answer. A broken link means that the instance exits, which ends its ownership.
      if (error.grpcStatus === undefined) finish({ reason, isOutcomeUnknown: true });
      else finish({ reason, isOutcomeUnknown: false, answer: error });
    },
    onDrain() {},
  };
  const side: CallHandle | undefined = target.callee.open(request, events, false);
}
