import { type Signal, signal, useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { lazy } from "../parts/lazy.tsx";
import { environment } from "../route.ts";

/** A folder, its files or an archive that was dropped on the page, to be deployed. `[]` = nothing yet; undefined = no dialog. */
const deploying: Signal<readonly (FileSystemEntry | File)[] | undefined> = signal(undefined);

/** Lets the person choose a folder or an archive. */
export function openDeploy(): void {
  deploying.value = [];
}

const DeployDialog = lazy(async () => (await import("../screens/deploy/deploy.tsx")).DeployDialog);

/** Takes what is dropped anywhere on the page. */
export function Drop(): VNode | null {
  const isOver = useSignal(false);
  useEffect(() => {
    const onDrag = (event: DragEvent): void => {
      if (event.dataTransfer?.types.includes("Files") !== true) return;
      event.preventDefault();
      isOver.value = true;
    };
    const onLeave = (event: DragEvent): void => {
      // Otherwise it has moved to another part of the page.
      if (event.relatedTarget === null) isOver.value = false;
    };
    const onDrop = (event: DragEvent): void => {
      isOver.value = false;
      // The list is empty after this turn.
      const items = [...(event.dataTransfer?.items ?? [])];
      const entries = items.flatMap((item) => item.webkitGetAsEntry() ?? []);
      if (entries.length === 0) return;
      event.preventDefault();
      deploying.value = entries;
    };
    window.addEventListener("dragover", onDrag);
    window.addEventListener("dragleave", onLeave);
    window.addEventListener("drop", onDrop);
    return () => {
      window.removeEventListener("dragover", onDrag);
      window.removeEventListener("dragleave", onLeave);
      window.removeEventListener("drop", onDrop);
    };
  }, []);
  const given = deploying.value;
  if (given !== undefined)
    return (
      <DeployDialog
        key={given.length}
        given={given}
        onClose={() => (deploying.value = undefined)}
      />
    );
  return isOver.value ? <div class="drop">Drop it to deploy it to {environment()}</div> : null;
}
