/**
 * Everything that the page shows and that changes comes over one stream of the admin service. When it breaks, the page keeps
 * what it has, and opens it again.
 */

import type { WatchedMethod, WatchMessage } from "@leveros/protocol";
import { type ReadonlySignal, signal } from "@preact/signals";
import type { RemoteStream } from "leveros";
import { adminStream, type Failure, failureOf } from "./admin.ts";

export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  /** It was live, or never. The page tries again. */
  | { readonly state: "lost"; readonly failure: Failure }
  /** A token is needed, or another one. */
  | { readonly state: "refused"; readonly failure: Failure };

export interface Listener {
  onValue?(value: unknown): void;
  onMessage?(message: unknown): void;
  onFailure(failure: Failure): void;
  /** The messages begin again. */
  onRestart?(): void;
}

interface Entry {
  readonly method: WatchedMethod;
  readonly isFeed: boolean;
  readonly listener: Listener;
}

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 8_000;

const status = signal<Connection>({ state: "connecting" });
export const connection: ReadonlySignal<Connection> = status;

const entries = new Map<number, Entry>();
let nextId = 1;
let stream: RemoteStream | undefined;
let retryMs = RETRY_MS_MIN;
let timer: number | undefined;
let isSending = false;

/** Watches a method from now on. Returns a function that ends it. */
export function watch(method: Omit<WatchedMethod, "id">, listener: Listener): () => void {
  const id = nextId++;
  const isFeed = method.method.endsWith("Chan");
  entries.set(id, { method: { id, ...method }, isFeed, listener });
  sendSoon();
  return () => {
    entries.delete(id);
    sendSoon();
  };
}

/** Opens the stream. With a new token, opens it again. */
export function connect(): void {
  window.clearTimeout(timer);
  stream?.cancel();
  stream = undefined;
  if (status.value.state !== "live") status.value = { state: "connecting" };
  void open();
}

async function open(): Promise<void> {
  const opened = await adminStream("watchChan");
  stream = opened;
  sendSoon();
  let isFirst = true;
  try {
    for await (const message of opened) {
      if (isFirst) {
        isFirst = false;
        retryMs = RETRY_MS_MIN;
        // Until now, what they had stays on the page.
        for (const { isFeed, listener } of entries.values()) if (isFeed) listener.onRestart?.();
        status.value = { state: "live" };
      }
      receive(message as WatchMessage);
    }
    lost({ code: "unavailable", message: "The host has ended the connection." });
  } catch (error) {
    if (stream === opened) lost(failureOf(error));
  }
}

function lost(failure: Failure): void {
  stream = undefined;
  const isRefused = failure.code === "unauthorized" || failure.code === "forbidden";
  status.value = { state: isRefused ? "refused" : "lost", failure };
  if (isRefused) return;
  timer = window.setTimeout(() => void open(), retryMs);
  retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
}

function receive(message: WatchMessage): void {
  const listener = entries.get(message.id)?.listener;
  if (listener === undefined) return;
  if ("value" in message) listener.onValue?.(message.value);
  else if ("message" in message) listener.onMessage?.(message.message);
  else listener.onFailure(message.error);
}

/** Changes of one turn are sent together. */
function sendSoon(): void {
  if (isSending) return;
  isSending = true;
  queueMicrotask(() => {
    isSending = false;
    // A hidden page needs no new numbers, but its logs go on.
    const seen = [...entries.values()].filter(({ isFeed }) => isFeed || !document.hidden);
    stream?.write({ see: seen.map(({ method }) => method) });
  });
}

document.addEventListener("visibilitychange", sendSoon);
