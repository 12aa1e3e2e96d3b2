/** Escapes control characters other than tabs, so that text from a service cannot control the user's terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => {
    if (char === "\t") return char;
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
