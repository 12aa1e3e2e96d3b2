import { isDeepStrictEqual } from "node:util";

/** One line of the host's log: its event and fields. */
export interface LogEvent {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Values that fields of an event must have; a pattern for a text. */
export type EventFields = Readonly<Record<string, unknown>>;

export interface EventOptions {
  /** Only an event that comes after this one, or after the call. Default: one that came before the call counts too. */
  readonly after?: LogEvent | "now";
}

const TIMEOUT_MS = 50_000;

interface Waiter {
  readonly isWanted: (event: LogEvent) => boolean;
  readonly resolve: (event: LogEvent) => void;
  readonly fail: (reason: string) => void;
}

/** Reads a host's log. It parses lines only when a test needs events, so that a bench pays nothing for a long log. */
export class LogEvents {
  #text = "";
  #parsedLength = 0;
  readonly #events: LogEvent[] = [];
  readonly #waiters = new Set<Waiter>();
  #isEnded = false;

  /** The log so far, as it was written. */
  get text(): string {
    return this.#text;
  }

  push(chunk: string): void {
    this.#text += chunk;
    if (this.#waiters.size > 0) this.#parse();
  }

  /** The host has ended: what has not come does not come. */
  end(): void {
    this.#isEnded = true;
    this.#parse();
    for (const { fail } of this.#waiters) fail("the host ended");
  }

  /** All events so far. */
  all(): readonly LogEvent[] {
    this.#parse();
    return this.#events;
  }

  /** Waits for an event. @throws Error when the host ends without it, or after 50 s. */
  event(name: string, fields: EventFields = {}, { after }: EventOptions = {}): Promise<LogEvent> {
    this.#parse();
    const isWanted = (event: LogEvent): boolean => event.msg === name && hasFields(event, fields);
    const first =
      after === "now" ? this.#events.length : after ? this.#events.indexOf(after) + 1 : 0;
    const found = this.#events.slice(first).find(isWanted);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        isWanted,
        resolve: (event) => {
          settle();
          resolve(event);
        },
        fail: (reason) => {
          settle();
          const wanted = `${name} ${JSON.stringify(fields)}`;
          reject(
            new Error(`Cannot find the event "${wanted}": ${reason}. The log:\n${this.#text}`),
          );
        },
      };
      const timer = setTimeout(
        () => waiter.fail(`it did not come in ${TIMEOUT_MS} ms`),
        TIMEOUT_MS,
      );
      this.#waiters.add(waiter);
      if (this.#isEnded) waiter.fail("the host has ended");
    });
  }

  #parse(): void {
    const end = this.#text.lastIndexOf("\n") + 1;
    const lines = this.#text.slice(this.#parsedLength, end).split("\n");
    this.#parsedLength = end;
    for (const line of lines) {
      // Node itself prints lines that are no events.
      if (!line.startsWith("{")) continue;
      const event = JSON.parse(line) as LogEvent;
      this.#events.push(event);
      for (const waiter of this.#waiters) if (waiter.isWanted(event)) waiter.resolve(event);
    }
  }
}

function hasFields(event: LogEvent, fields: EventFields): boolean {
  return Object.entries(fields).every(([name, value]) =>
    value instanceof RegExp
      ? value.test(String(event[name]))
      : isDeepStrictEqual(event[name], value),
  );
}
