import { Duplex } from "node:stream";
import { LeverError, type WatchedMethod, type WatchMessage } from "@leveros/protocol";
import type { Clock } from "../clock.ts";

/** A method that changes nothing, with the checks of its rights. `args` of a streaming method begin with its stream. */
export interface Reader {
  readonly isStream: boolean;
  run(args: readonly unknown[]): unknown;
}

export interface WatchedMethodsOptions {
  readonly reader: (method: string) => Reader | undefined;
  readonly clock: Clock;
  /** False = the reader is slower than messages come. */
  readonly send: (message: WatchMessage) => boolean;
}

/** A method that runs for a watcher, and how to end that. */
interface Watched {
  readonly wanted: string;
  /** Runs it again if it is time. */
  look(): void;
  stop(): void;
}

/** The methods that one caller watches. */
export class WatchedMethods {
  readonly #options: WatchedMethodsOptions;
  #watched = new Map<number, Watched>();

  constructor(options: WatchedMethodsOptions) {
    this.#options = options;
  }

  /** Watches these from now on. One that was watched already goes on. */
  see(methods: readonly Required<WatchedMethod>[]): void {
    const before = this.#watched;
    this.#watched = new Map();
    for (const method of methods) {
      const known = before.get(method.id);
      if (known?.wanted === JSON.stringify(method)) {
        before.delete(method.id);
        this.#watched.set(method.id, known);
      } else this.#watched.set(method.id, this.#watch(method));
    }
    for (const { stop } of before.values()) stop();
  }

  /** A reader who takes no more messages gets no replies until it does. */
  look(canWrite: boolean): void {
    if (canWrite) for (const { look } of this.#watched.values()) look();
  }

  #watch(method: Required<WatchedMethod>): Watched {
    const { reader: find, send } = this.#options;
    const reader = find(method.method);
    const wanted = JSON.stringify(method);
    if (reader === undefined) {
      send({ id: method.id, error: errorOf(unwatchable(method.method)) });
      return { wanted, look() {}, stop() {} };
    }
    return {
      wanted,
      ...(reader.isStream ? this.#follow(method, reader) : this.#poll(method, reader)),
    };
  }

  /** Calls a regular method again and again. */
  #poll({ id, args, everyMs }: Required<WatchedMethod>, reader: Reader): Omit<Watched, "wanted"> {
    const { clock, send } = this.#options;
    let dueAt = 0;
    let isRunning = false;
    let isStopped = false;
    let last = "";
    const look = (): void => {
      if (isRunning || clock.now() < dueAt) return;
      isRunning = true;
      dueAt = clock.now() + everyMs;
      void answer(reader, args).then((outcome) => {
        isRunning = false;
        const text = JSON.stringify(outcome);
        if (isStopped || text === last) return;
        last = text;
        send({ id, ...outcome });
      });
    };
    look();
    return {
      look,
      stop() {
        isStopped = true;
      },
    };
  }

  /** Opens a streaming method, and passes its messages on as fast as the watcher reads them. */
  #follow({ id, args }: Required<WatchedMethod>, reader: Reader): Omit<Watched, "wanted"> {
    const { send } = this.#options;
    let resume: (() => void) | undefined;
    const stream = new Duplex({
      objectMode: true,
      read() {},
      write(message: unknown, _encoding, done) {
        if (send({ id, message })) done();
        else resume = done;
      },
    });
    stream.on("error", () => {});
    const drain = (): void => {
      const waiting = resume;
      resume = undefined;
      waiting?.();
    };
    let isStopped = false;
    void answer(reader, [stream, ...args]).then((outcome) => {
      if (!isStopped && "error" in outcome) send({ id, ...outcome });
    });
    return {
      look: drain,
      stop() {
        isStopped = true;
        stream.destroy();
      },
    };
  }
}

type Answer =
  | { readonly value: unknown }
  | { readonly error: { readonly code: string; readonly message: string } };

async function answer(reader: Reader, args: readonly unknown[]): Promise<Answer> {
  try {
    // A message has no undefined.
    return { value: (await reader.run(args)) ?? null };
  } catch (error) {
    return { error: errorOf(error) };
  }
}

function errorOf(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof LeverError) return { code: error.code, message: error.message };
  return { code: "internal", message: error instanceof Error ? error.message : String(error) };
}

function unwatchable(method: string): LeverError {
  return new LeverError(
    "unknown_method",
    `Cannot watch ${method.slice(0, 100)}: there is no such method, or it does more than to show something. Call it instead.`,
  );
}
