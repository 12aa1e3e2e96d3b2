import type { AdminMethods } from "@leveros/protocol";
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { admin, type Failure, failureOf } from "./admin.ts";
import { watch } from "./watch.ts";

/** A value that the host sends, and again when it changes. Both are absent until the first answer. */
export interface Loaded<Value> {
  readonly value?: Value | undefined;
  readonly failure?: Failure | undefined;
}

/** Watches a method of the admin service while the component is shown. A former value stays until the next one comes. */
export function useWatched<Name extends keyof AdminMethods>(
  method: Name,
  args: Parameters<AdminMethods[Name]>,
  everyMs = 1_000,
): Loaded<ReturnType<AdminMethods[Name]>> {
  const loaded: Signal<Loaded<ReturnType<AdminMethods[Name]>>> = useSignal({});
  useEffect(
    () =>
      watch(
        { method, args, everyMs },
        {
          onValue: (value) => {
            loaded.value = { value: value as ReturnType<AdminMethods[Name]> };
          },
          onFailure: (failure) => {
            loaded.value = { failure };
          },
        },
      ),
    [method, everyMs, JSON.stringify(args)],
  );
  return loaded.value;
}

/** To draw hundreds of rows with each frame would leave the page no time for anything else. */
const GATHER_MS = 200;

/** Follows a streaming method of the admin service while the component is shown. */
export function useFeed(
  method: "watchLogsChan" | "watchEventsChan" | "watchCallsChan",
  args: readonly unknown[],
  on: {
    /** Messages that came within a fifth of a second. */
    readonly messages: (messages: readonly unknown[]) => void;
    readonly restart: () => void;
  },
): Failure | undefined {
  const failure = useSignal<Failure | undefined>(undefined);
  useEffect(() => {
    let waiting: unknown[] = [];
    let timer = 0;
    const flush = (): void => {
      timer = 0;
      const messages = waiting;
      waiting = [];
      on.messages(messages);
    };
    on.restart();
    failure.value = undefined;
    const stop = watch(
      { method, args },
      {
        onMessage(message) {
          // Nothing more comes from one host of a cluster. The others go on.
          if (typeof message === "object" && message !== null && "missing" in message) return;
          waiting.push(message);
          timer ||= window.setTimeout(flush, GATHER_MS);
        },
        onFailure: (found) => {
          failure.value = found;
        },
        onRestart: on.restart,
      },
    );
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [method, JSON.stringify(args)]);
  return failure.value;
}

/** Calls a method of the admin service when the component is shown, and when `key` changes. Without arguments, it waits for them. */
export function useCalled<Name extends keyof AdminMethods>(
  method: Name,
  args: Parameters<AdminMethods[Name]> | undefined,
  key: unknown = 0,
): Loaded<ReturnType<AdminMethods[Name]>> {
  const loaded: Signal<Loaded<ReturnType<AdminMethods[Name]>>> = useSignal({});
  useEffect(() => {
    if (args === undefined) return undefined;
    let isOver = false;
    void admin(method, ...args)
      .then(
        (value) => ({ value }),
        (error: unknown) => ({ failure: failureOf(error) }),
      )
      .then((outcome) => {
        if (!isOver) loaded.value = outcome;
      });
    return () => {
      isOver = true;
    };
  }, [method, JSON.stringify(args), key]);
  return loaded.value;
}
