import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { failureOf } from "../data/admin.ts";
import { Dialog } from "./dialog.tsx";

/** Asks before something is done, and shows why it could not be done. */
export function Confirm(props: {
  title: string;
  action: string;
  /** It cannot be undone. */
  isDangerous?: boolean;
  isReady?: boolean;
  run: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
}): VNode {
  const { title, action, isDangerous = false, isReady = true, run, onClose, children } = props;
  const isRunning = useSignal(false);
  const problem = useSignal("");
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    isRunning.value = true;
    try {
      await run();
      onClose();
    } catch (error) {
      problem.value = failureOf(error).message;
      isRunning.value = false;
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        {children}
        {problem.value !== "" && (
          <p class="bad" role="alert">
            {problem.value}
          </p>
        )}
        <div class="actions end">
          <button type="button" class="quiet" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class={isDangerous ? "primary danger" : "primary"}
            disabled={!isReady || isRunning.value}
          >
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
