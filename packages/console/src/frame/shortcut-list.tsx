import type { VNode } from "preact";
import { Dialog } from "../parts/dialog.tsx";
import { overlay, shortcuts } from "./keys.ts";

export function ShortcutList(): VNode | null {
  if (overlay.value !== "shortcuts") return null;
  return (
    <Dialog title="Keys" onClose={() => (overlay.value = "none")}>
      <dl class="keys">
        {shortcuts.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
