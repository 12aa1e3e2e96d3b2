import { effect, type Signal, signal } from "@preact/signals";
import { connection } from "../data/watch.ts";

/** The host serves another console than this page: it was upgraded. */
export const isOutdated: Signal<boolean> = signal(false);

/** Looks for another version when the host is there again. */
export function watchVersion(): void {
  const script = document.querySelector("script[src]")?.getAttribute("src") ?? "";
  let wasLost = false;
  effect(() => {
    const { state } = connection.value;
    if (state === "lost") wasLost = true;
    if (state !== "live" || !wasLost) return;
    wasLost = false;
    void fetch("/-/console/")
      .then((response) => (response.ok ? response.text() : script))
      .then((text) => {
        isOutdated.value = !text.includes(script);
      })
      .catch(() => {});
  });
}
