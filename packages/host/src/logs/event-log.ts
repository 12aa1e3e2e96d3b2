import { type HostEvent, isJsonObject } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { linesBack } from "./read-back.ts";
import { type AppendToFile, SegmentFolder } from "./segment-folder.ts";

/** Events wait so long to be written together. A host that is killed loses them. */
const GATHER_MS = 100;
const SEGMENTS = { segmentBytesMax: 4 * 1024 * 1024, segmentsMax: 2 };
/** Events that the disk has refused stay in memory. */
const UNWRITTEN_MAX = 1_000;
/** Times of events differ, so that a search can end where a watcher begins. */
const TIME_STEP_MS = 0.001;

export interface EventQuery {
  readonly isWanted: (event: HostEvent) => boolean;
  /** The newest so many. */
  readonly max: number;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Only events that were added before `watch` returned it. */
  readonly before?: number | undefined;
}

interface TimedEvent {
  readonly at: number;
  readonly event: HostEvent;
}

/** The last events, in files: those of earlier hosts with the same data folder too. */
export class EventLog {
  readonly #folder: SegmentFolder;
  readonly #clock: Clock;
  readonly #watchers = new Set<(event: HostEvent) => void>();
  #waiting: TimedEvent[] = [];
  #unwritten: TimedEvent[] = [];
  #lastAt = 0;
  #timer: unknown;
  #writing: Promise<void> = Promise.resolve();

  constructor({ dir, clock, append }: { dir: string; clock: Clock; append?: AppendToFile }) {
    this.#folder = new SegmentFolder(dir, SEGMENTS, append);
    this.#clock = clock;
  }

  add(event: HostEvent): void {
    const next = Math.round((this.#lastAt + TIME_STEP_MS) * 1_000) / 1_000;
    this.#lastAt = Math.max(Date.parse(event.at), next);
    this.#waiting.push({ at: this.#lastAt, event });
    this.#timer ??= this.#clock.setTimeout(() => void this.flush(), GATHER_MS);
    for (const watcher of this.#watchers) watcher(event);
  }

  /** Resolves when all events that were added are in the files, or have been refused by the system. */
  flush(): Promise<void> {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const events = this.#waiting;
    const [first] = events;
    if (first === undefined) return;
    this.#waiting = [];
    const lines = events.map((timed) => `${JSON.stringify(timed)}\n`);
    try {
      await this.#folder.append(lines.join(""), Math.floor(first.at));
    } catch {
      // The event that says so is among them.
      this.#unwritten = [...this.#unwritten, ...events].slice(-UNWRITTEN_MAX);
    }
  }

  /** Oldest first. */
  async find({ isWanted, max, since = 0, before }: EventQuery): Promise<readonly HostEvent[]> {
    await this.flush();
    const until = before ?? Number.POSITIVE_INFINITY;
    const isInTime = ({ at }: TimedEvent): boolean => at >= since && at < until;
    const found = this.#unwritten.filter((timed) => isInTime(timed) && isWanted(timed.event));
    let isOver = false;
    for await (const lines of linesBack(this.#folder.dir, { since, until })) {
      for (const line of lines) {
        const timed = parseEvent(line);
        isOver = found.length >= max || (timed !== undefined && timed.at < since);
        if (isOver) break;
        if (timed !== undefined && isInTime(timed) && isWanted(timed.event)) found.push(timed);
      }
      if (isOver) break;
    }
    const ordered = found.sort((a, b) => a.at - b.at);
    return ordered.slice(-max).map(({ event }) => event);
  }

  /** Calls back with each new event until `stop`. A search with `before` finds exactly those that were added earlier. */
  watch(watcher: (event: HostEvent) => void): { readonly before: number; stop(): void } {
    this.#watchers.add(watcher);
    return {
      before: this.#lastAt + TIME_STEP_MS / 2,
      stop: () => void this.#watchers.delete(watcher),
    };
  }
}

/** undefined = the line is no event: a host that was killed may leave half a line. */
function parseEvent(line: string): TimedEvent | undefined {
  try {
    const { at, event }: Partial<TimedEvent> = JSON.parse(line);
    const isEvent = typeof at === "number" && isJsonObject(event);
    return isEvent ? { at, event: event as HostEvent } : undefined;
  } catch {
    return undefined;
  }
}
