import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  ignoredEvents,
  type LeverError,
  type LinkedSide,
  type MessageKind,
  type PayloadKind,
} from "@leveros/protocol";
import type { AnsweringSide } from "./running-call.ts";

/** A timer stands still while the machine sleeps, so the boot time is read again after it. */
const CHECK_MS = 1_000;
/** Renewals that came while the event loop was blocked are read within it, after the end. */
const NEWS_MS = 200;
/** Exit status of a process that does not lead its group. */
const EXIT_LEASE_OVER = 75;
const NONE: number = Number.POSITIVE_INFINITY;

interface CallServing {
  onCall(request: CallRequest, side: AnsweringSide): CallListener;
}

export interface OwnersEndOptions {
  /** Time since the machine was started, in milliseconds, with the time that it has slept. */
  bootMs(): number;
  /** Ends this process and all that it has started. */
  endProcess(): void;
}

/**
 * The end of the lease, as this instance keeps it. Only hosts of a cluster set one, and only for instances that own resources.
 *
 * - N4. Past the end, no function begins for a resource, and none of its answers is written: they wait for a renewal. When none
 *   comes, the process ends.
 */
export class OwnersEnd {
  readonly #options: OwnersEndOptions;
  #atMs = NONE;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(options: OwnersEndOptions) {
    this.#options = options;
  }

  /** Sets the boot time at which the instance may own nothing any more. null = it owns nothing now. */
  set(atMs: number | null): void {
    this.#atMs = atMs ?? NONE;
    this.#check();
  }

  /** Serves a call of a resource as long as the lease holds. */
  serve(request: CallRequest, side: LinkedSide, server: CallServing): CallListener {
    const guarded = new GuardedSide(side, this);
    const begin = (): CallListener => {
      guarded.listener = server.onCall(request, guarded);
      return guarded.listener;
    };
    if (this.mayRun) return begin();
    this.run(begin);
    const pass = (event: (to: CallListener) => void): void =>
      this.run(() => event(guarded.listener));
    return {
      onMessage: (kind, bytes) => pass((to) => to.onMessage(kind, bytes)),
      onLines: (bytes) => pass((to) => to.onLines?.(bytes)),
      onEnd: () => pass((to) => to.onEnd()),
      onFail: (kind, bytes, call) => pass((to) => to.onFail(kind, bytes, call)),
      onAbort: (error) => pass((to) => to.onAbort(error)),
      onDrain: () => pass((to) => to.onDrain()),
    };
  }

  /** The lease holds, and nothing waits for it. */
  get mayRun(): boolean {
    return this.#waiting.length === 0 && !this.#isOver;
  }

  /** Acts now, or when the lease is renewed, in the order of the calls of `run`. */
  run(action: () => void): void {
    if (this.mayRun) {
      action();
      return;
    }
    this.#waiting.push(action);
    if (this.#waiting.length === 1) this.#check();
  }

  get #isOver(): boolean {
    return this.#atMs !== NONE && this.#options.bootMs() >= this.#atMs;
  }

  #check(): void {
    clearTimeout(this.#timer);
    if (this.#isOver) {
      this.#timer = setTimeout(() => {
        // The link is read before that, also when the event loop was blocked until now.
        setImmediate(() => {
          if (this.#isOver) this.#options.endProcess();
        });
      }, NEWS_MS);
      return;
    }
    // Actions that these add come last.
    for (const action of this.#waiting) action();
    this.#waiting.length = 0;
    if (this.#atMs === NONE) return;
    const leftMs = Math.ceil(this.#atMs - this.#options.bootMs());
    this.#timer = setTimeout(() => this.#check(), Math.min(leftMs, CHECK_MS));
  }
}

/** The side of a call of a resource: what it writes waits while the lease is over. */
class GuardedSide implements CallHandle {
  readonly id: number;
  listener: CallListener = ignoredEvents;
  readonly #side: LinkedSide;
  readonly #end: OwnersEnd;

  constructor(side: LinkedSide, end: OwnersEnd) {
    this.id = side.id;
    this.#side = side;
    this.#end = end;
  }

  send(kind: MessageKind, bytes: Uint8Array, isLast?: boolean, release?: () => void): boolean {
    if (this.#end.mayRun) return this.#side.send(kind, bytes, isLast, release);
    this.#end.run(() => {
      if (this.#side.send(kind, bytes, isLast, release)) this.listener.onDrain();
    });
    return false;
  }

  end(): void {
    this.#end.run(() => this.#side.end());
  }

  fail(kind: PayloadKind, bytes: Uint8Array, call?: string): void {
    this.#end.run(() => this.#side.fail(kind, bytes, call));
  }

  abort(error: LeverError): void {
    this.#end.run(() => this.#side.abort(error));
  }

  pause(): void {
    this.#side.pause();
  }

  resume(): void {
    this.#side.resume();
  }
}

/** The end of the lease as it ends this process. */
export function ownersEndOfProcess({ uptime }: { readonly uptime: () => number }): OwnersEnd {
  return new OwnersEnd({ bootMs: () => uptime() * 1_000, endProcess });
}

/** Ends the process group at once, as the keeper of the host does. */
function endProcess(): void {
  try {
    // In a container this is process 1, which means everything in it but this process.
    process.kill(-process.pid, "SIGKILL");
  } catch {
    // It leads no group.
  }
  process.exit(EXIT_LEASE_OVER);
}
