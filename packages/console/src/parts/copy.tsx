import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { Icon } from "./icon.tsx";

const SHOWN_MS = 1_500;

export function Copy({ text, label }: { text: string; label: string }): VNode {
  const isDone = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    isDone.value = true;
    window.setTimeout(() => (isDone.value = false), SHOWN_MS);
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy()}>
      <Icon name={isDone.value ? "check" : "copy"} />
      {isDone.value ? "Copied" : label}
    </button>
  );
}
