/** The token of this tab. It ends with the tab, and no other page can read it. */
import { type ReadonlySignal, signal } from "@preact/signals";

const KEY = "lever-token";

const stored = signal<string | undefined>(window.sessionStorage.getItem(KEY) ?? undefined);
/** undefined = the console calls without one, as on the host's own machine while there is none. */
export const token: ReadonlySignal<string | undefined> = stored;

export function setToken(text: string | undefined): void {
  if (text === undefined) window.sessionStorage.removeItem(KEY);
  else window.sessionStorage.setItem(KEY, text);
  stored.value = text;
}

/** The code that `lever console` has put into the address. It leaves the address, and so the history, at once. */
export function takeCode(): string | undefined {
  const [, code] = /^#code=([\w-]+)$/.exec(window.location.hash) ?? [];
  if (code === undefined) return undefined;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return code;
}
