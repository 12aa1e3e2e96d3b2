/** Keys without a modifier work wherever no text is typed. */
import { type Signal, signal } from "@preact/signals";
import { modifier } from "../parts/modifier.ts";
import { go, href } from "../route.ts";

/** The overlay that is shown. */
export const overlay: Signal<"none" | "palette" | "shortcuts"> = signal("none");

/** Screens by the key that follows `g`. */
const screens: Readonly<Record<string, readonly string[]>> = {
  o: [],
  l: ["logs"],
  t: ["calls"],
  c: ["call"],
  e: ["events"],
  h: ["settings", "hosts"],
  r: ["settings", "routes"],
  s: ["settings"],
};

export const shortcuts: readonly (readonly [keys: string, meaning: string])[] = [
  [`${modifier} K`, "search, or go anywhere"],
  ["/", "filter"],
  ["j  k", "next and previous row"],
  ["↵", "open the row"],
  ["g o", "overview"],
  ["g l", "logs"],
  ["g t", "calls and traces"],
  ["g c", "call a method"],
  ["g e", "events"],
  ["g h", "hosts"],
  ["g r", "routes"],
  ["g s", "settings"],
  ["p", "pause or resume logs and calls"],
  ["?", "these keys"],
];

let isAfterG = false;

export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      overlay.value = overlay.value === "palette" ? "none" : "palette";
      return;
    }
    if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
    if (overlay.value !== "none" || document.querySelector("dialog[open]") !== null) return;
    if (onKey(event.key)) event.preventDefault();
  });
}

function onKey(key: string): boolean {
  const screen = isAfterG ? screens[key] : undefined;
  isAfterG = key === "g";
  if (screen !== undefined) {
    go(href(screen));
    return true;
  }
  switch (key) {
    case "/":
      document.querySelector<HTMLInputElement>("[data-filter]")?.focus();
      return true;
    case "j":
      return moveRow(1);
    case "k":
      return moveRow(-1);
    case "p":
      document.querySelector<HTMLButtonElement>("[data-pause]")?.click();
      return true;
    case "?":
      overlay.value = "shortcuts";
      return true;
    default:
      return false;
  }
}

function moveRow(step: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row.matches(":focus"));
  const next = rows[at === -1 ? 0 : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return next !== undefined;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select") !== null;
}
