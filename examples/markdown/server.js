import { marked } from "marked";

/** Renders Markdown as HTML: a string for a string, bytes for bytes. */
export function render(source) {
  if (Buffer.isBuffer(source)) return Buffer.from(toHtml(source.toString()));
  if (typeof source === "string") return toHtml(source);
  throw new Error('Cannot render: the argument is not text. Try "# Hello", or a file as bytes.');
}

function toHtml(text) {
  return marked.parse(text, { async: false });
}
