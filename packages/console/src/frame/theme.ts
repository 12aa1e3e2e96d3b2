import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

const KEY = "lever-theme";
type Theme = "system" | "light" | "dark";
const order: readonly Theme[] = ["system", "light", "dark"];

const chosen = signal<Theme>(
  order.find((known) => known === window.localStorage.getItem(KEY)) ?? "system",
);
export const theme: ReadonlySignal<Theme> = chosen;

/** Grows when the colors change. */
export const colors: Signal<number> = signal(0);

export function startTheme(): void {
  apply();
  window
    .matchMedia("(prefers-color-scheme: dark)")
    .addEventListener("change", () => colors.value++);
}

/** System, light, dark, and system again. */
export function nextTheme(): void {
  const next = order[(order.indexOf(chosen.value) + 1) % order.length] ?? "system";
  chosen.value = next;
  window.localStorage.setItem(KEY, next);
  apply();
}

function apply(): void {
  document.documentElement.dataset["theme"] = chosen.value;
  colors.value++;
}
