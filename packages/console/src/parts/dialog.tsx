import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";

/** A dialog over the page, which keeps the focus until it is closed. */
export function Dialog(props: {
  title: string;
  /** Without a head. */
  isBare?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}): VNode {
  const { title, isBare = false, onClose, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={isBare ? "bare" : ""}
      aria-label={title}
      onClose={onClose}
      onMouseDown={(event) => {
        // The backdrop belongs to the dialog, and its content does not.
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="content">
        {!isBare && (
          <div class="head">
            <h2>{title}</h2>
            <button type="button" class="plain" onClick={onClose}>
              <Icon name="close" />
              <span class="hidden">Close</span>
            </button>
          </div>
        )}
        {children}
      </div>
    </dialog>
  );
}
