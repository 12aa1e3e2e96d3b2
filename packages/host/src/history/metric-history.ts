import { appendFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, isoTime } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import { systemReason } from "../logs/system-reason.ts";
import type { HostMeters } from "../metrics/host-meters.ts";
import { formatMinute, type Minute, parseMinute } from "./history-line.ts";
import { type Observation, ServiceMinutes } from "./service-minutes.ts";

/** The window of recent calls has two parts of this length. */
const MARK_EVERY_MS = 30_000;
const HOUR_MS = 3_600_000;
/** Hours that are kept, without the current one. */
const HOURS_KEPT = 24;
/** Lines that are parsed at once, within a millisecond or two. */
const LINES_AT_ONCE = 10;
/** Services whose calls are added up at once, within a millisecond or two. */
const SERVICES_AT_ONCE = 200;

export interface HistoryOptions {
  /** Has a file for each hour. */
  readonly dir: string;
  readonly meters: HostMeters;
  readonly observe: () => Observation;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The last 24 hours of a host and its services, minute by minute, in files that survive restarts. A line for each minute is
 * appended to the file of its hour, so a crash costs the current minute.
 */
export class MetricHistory {
  readonly #options: HistoryOptions;
  readonly #minutes = new ServiceMinutes();
  #timer: unknown;
  #marks = 0;
  #writing: Promise<void> = Promise.resolve();
  #isFailing = false;
  #file = "";

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#tick(), MARK_EVERY_MS);
  }

  /** Resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    await this.#writing;
  }

  /** The minutes since then, oldest first. */
  async since(from: number): Promise<readonly Minute[]> {
    await this.#writing;
    const found: Minute[] = [];
    for (const file of await this.#files()) {
      if (file < fileOf(from)) continue;
      const text = await readFile(join(this.#options.dir, file), "utf8").catch(() => "");
      const lines = text.split("\n");
      for (let at = 0; at < lines.length; at += LINES_AT_ONCE) {
        for (const line of lines.slice(at, at + LINES_AT_ONCE)) {
          const minute = parseMinute(line);
          if (minute !== undefined && minute.at >= from) found.push(minute);
        }
        await new Promise(setImmediate);
      }
    }
    return found;
  }

  #tick(): void {
    this.start();
    this.#marks++;
    // The window has the length of a minute at every second mark.
    const moved = this.#moveWindow({ isMinute: this.#marks % 2 === 0 });
    this.#writing = this.#writing.then(async () => {
      const minute = await moved;
      if (minute === undefined) return;
      await this.#append(fileOf(minute.at), `${formatMinute(minute)}\n`);
    });
  }

  /** Ends a part of the windows of all services, and returns the minute that ends with it. Calls go on meanwhile. */
  async #moveWindow({ isMinute }: { readonly isMinute: boolean }): Promise<Minute | undefined> {
    const { meters, observe, clock } = this.#options;
    const now = clock.now();
    const at = clock.wallTime();
    const minute = isMinute ? this.#minutes.begin(observe()) : undefined;
    let count = 0;
    for (const meter of meters.services.allForReading()) {
      minute?.add(meter);
      meter.mark(now);
      count++;
      if (count % SERVICES_AT_ONCE === 0) await new Promise(setImmediate);
    }
    meters.mark(now);
    return minute && { at, host: minute.host, services: minute.services };
  }

  async #append(file: string, line: string): Promise<void> {
    const { dir, log } = this.#options;
    try {
      if (file !== this.#file) await this.#begin(file);
      await appendFile(join(dir, file), line, { mode: 0o600 });
      this.#isFailing = false;
    } catch (error) {
      if (this.#isFailing) return;
      this.#isFailing = true;
      log("warn", "history", "history not written", {
        dir,
        reason: systemReason(error) ?? String(error),
      });
    }
  }

  /** Removes the files that are too old. */
  async #begin(file: string): Promise<void> {
    const { dir } = this.#options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const files = await this.#files();
    const oldest = fileOf(this.#options.clock.wallTime() - HOURS_KEPT * HOUR_MS);
    for (const old of files) if (old < oldest) await rm(join(dir, old), { force: true });
    this.#file = file;
  }

  /** Oldest first. */
  async #files(): Promise<readonly string[]> {
    const names = await readdir(this.#options.dir).catch(() => []);
    return names.filter((name) => /^\d{4}-\d\d-\d\dT\d\d\.ndjson$/.test(name)).sort();
  }
}

/** The name of an hour's file: `2026-11-30T14.ndjson`. */
function fileOf(at: number): string {
  return `${isoTime(at).slice(0, 13)}.ndjson`;
}
