import { appendFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, isoTime } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import { systemReason } from "../logs/system-reason.ts";
import type { HostMeters } from "../metrics/host-meters.ts";
import { sumTraffic } from "../metrics/traffic.ts";
import { formatMinute, type Minute, parseMinute } from "./history-line.ts";
import { type Observation, ServiceMinutes } from "./service-minutes.ts";

/** The window of recent calls has two parts of this length. */
const MARK_EVERY_MS = 30_000;
const HOUR_MS = 3_600_000;
/** Hours that are kept, without the current one. */
const HOURS_KEPT = 24;
/** Lines that are parsed at once, within a millisecond or two. */
const LINES_AT_ONCE = 10;

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
    const { meters, observe, clock } = this.#options;
    this.start();
    this.#marks++;
    // The window has the length of a minute at every second mark.
    if (this.#marks % 2 === 0) {
      const observed = observe();
      const all = sumTraffic(meters.services.all().filter(({ hasRecent }) => hasRecent));
      this.#write({
        at: clock.wallTime(),
        host: this.#minutes.hostPoint(all, observed),
        services: this.#minutes.servicePoints(meters.services, observed),
      });
    }
    meters.mark(clock.now());
  }

  #write(minute: Minute): void {
    const line = `${formatMinute(minute)}\n`;
    this.#writing = this.#writing.then(() => this.#append(fileOf(minute.at), line));
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
