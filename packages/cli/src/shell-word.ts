/** A text as one word of a shell: in single quotes, inside which a shell changes nothing, where it needs them. */
export function shellWord(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
