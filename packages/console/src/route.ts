/** The address of the page says what it shows: the screen, and every filter. */

import { DEFAULT_ENVIRONMENT } from "@leveros/protocol";
import { type ReadonlySignal, signal } from "@preact/signals";

const BASE = "/-/console/";

/** Where the page is: the parts of the path, and the fields of the query. */
export interface Place {
  readonly path: readonly string[];
  readonly query: ReadonlyMap<string, string>;
}

function read(): Place {
  const { pathname, search } = window.location;
  const path = pathname.slice(BASE.length).split("/").filter(Boolean).map(decodeURIComponent);
  return { path, query: new Map(new URLSearchParams(search)) };
}

const current = signal<Place>(read());
export const place: ReadonlySignal<Place> = current;

export function environment(): string {
  return place.value.query.get("env") ?? DEFAULT_ENVIRONMENT;
}

/** The address of a screen in the same environment. */
export function href(
  path: readonly string[],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const params = new URLSearchParams();
  const env = query["env"] ?? place.value.query.get("env");
  if (env !== undefined && env !== DEFAULT_ENVIRONMENT) params.set("env", env);
  for (const [name, value] of Object.entries(query)) {
    if (name !== "env" && value !== undefined && value !== "") params.set(name, value);
  }
  const text = params.size === 0 ? "" : `?${params}`;
  return `${BASE}${path.map(encodeURIComponent).join("/")}${text}`;
}

export function go(to: string): void {
  window.history.pushState(null, "", to);
  current.value = read();
  document.getElementById("main")?.scrollTo(0, 0);
}

/** Changes fields of the query; `""` removes one. The place stays one step of the history. */
export function setQuery(fields: Readonly<Record<string, string>>): void {
  const { path, query } = place.value;
  const merged = { ...Object.fromEntries(query), ...fields };
  window.history.replaceState(null, "", href(path, merged));
  current.value = read();
}

/** Follows links and the browser's own buttons. */
export function startRouting(): void {
  window.addEventListener("popstate", () => {
    current.value = read();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link?.target !== "" || link.origin !== window.location.origin) return;
    if (!link.pathname.startsWith(BASE)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
