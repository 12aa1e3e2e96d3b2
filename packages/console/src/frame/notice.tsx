import { signal } from "@preact/signals";
import type { VNode } from "preact";
import { connection } from "../data/watch.ts";
import { Icon } from "../parts/icon.tsx";
import { isOutdated } from "./version.ts";

const said = signal("");
let timer = 0;
const SHOWN_MS = 6_000;

/** Shows a sentence for a few seconds. */
export function say(text: string): void {
  window.clearTimeout(timer);
  said.value = text;
  timer = window.setTimeout(() => {
    said.value = "";
  }, SHOWN_MS);
}

/** Sentences about the page itself: it has lost its host, is outdated, or something was done. */
export function Notice(): VNode {
  const { value: now } = connection;
  return (
    <>
      {now.state === "lost" && (
        <div class="notice warn" role="alert">
          <Icon name="warning" />
          <span>
            The host does not answer. What you see is as it was; the page tries again by itself.
          </span>
        </div>
      )}
      {isOutdated.value && (
        <div class="notice" role="alert">
          <Icon name="info" />
          <span>The host has a newer version than this page.</span>
          <button type="button" class="quiet" onClick={() => window.location.reload()}>
            Load it
          </button>
        </div>
      )}
      <output class={said.value === "" ? "toast" : "toast shown"}>{said.value}</output>
    </>
  );
}
