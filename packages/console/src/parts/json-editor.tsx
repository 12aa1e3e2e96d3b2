import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import { tokens } from "./json-text.ts";

/** More would take longer to color than a person waits. */
const COLORED_LENGTH_MAX = 50_000;

export function JsonText({ text }: { text: string }): VNode {
  if (text.length > COLORED_LENGTH_MAX) return <>{text}</>;
  return (
    <>
      {tokens(text).map(([kind, part], index) =>
        kind === "" ? (
          part
        ) : (
          <span key={index} class={`json-${kind}`}>
            {part}
          </span>
        ),
      )}
    </>
  );
}

/** A text area over the same text in colors. */
export function JsonEditor(props: {
  id: string;
  label: string;
  text: string;
  rows?: number;
  onChange: (text: string) => void;
  onSend: () => void;
}): VNode {
  const { id, label, text, rows = 8, onChange, onSend } = props;
  const shown = useRef<HTMLPreElement>(null);
  return (
    <div class="json-editor">
      <pre ref={shown} aria-hidden="true">
        <JsonText text={text} />
        {"\n"}
      </pre>
      <textarea
        id={id}
        aria-label={label}
        rows={rows}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
        onScroll={({ currentTarget }) => {
          shown.current?.scrollTo(currentTarget.scrollLeft, currentTarget.scrollTop);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
            event.preventDefault();
            onSend();
          }
        }}
      />
    </div>
  );
}
