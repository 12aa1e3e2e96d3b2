import type { VNode } from "preact";
import { splitColors } from "./ansi.ts";

export function ColoredText({ text }: { text: string }): VNode {
  return (
    <>
      {splitColors(text).map((part, index) =>
        part.tone === "" ? (
          part.text
        ) : (
          <span key={index} class={`ansi-${part.tone}`}>
            {part.text}
          </span>
        ),
      )}
    </>
  );
}
