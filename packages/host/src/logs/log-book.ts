import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type Dropped,
  LeverError,
  type Limits,
  type LogFilter,
  type LogLevel,
  type LogPage,
  type LogRecord,
  serviceKey,
} from "@leveros/protocol";
import { type Clock, isoTime } from "../clock.ts";
import { Allowance } from "./allowance.ts";
import { findRecords } from "./find-records.ts";
import type { Log } from "./log.ts";
import { formatRecord, recordFilter, type TimedRecord } from "./log-record.ts";
import { type AppendToFile, SegmentFolder } from "./segment-folder.ts";
import { sweepLogs } from "./sweep-logs.ts";
import { systemReason } from "./system-reason.ts";

/** Records wait so long to be written together. A host that is killed loses them. */
const GATHER_MS = 100;
/** More is written at once. */
const GATHER_BYTES = 64 * 1024;
/** Records that wait to be written, of all services. More are dropped. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** The rate of all services may be exceeded for so many seconds. */
const BURST_SECONDS = 4;
/** Time without a write after the system has refused one. */
const RETRY_AFTER_MS = 30_000;
const SEGMENTS = 4;
/** Folders whose newest file is known. */
const FOLDERS_MAX = 64;
const SWEEP_EVERY_MS = 3_600_000;
/** Searches that run or wait. One runs at a time. */
const SEARCHES_MAX = 5;
/** Times of records differ, so that a page can begin where the last one ended. */
const TIME_STEP_MS = 0.001;

export interface LogBookOptions {
  readonly dir: string;
  readonly limits: Pick<
    Limits,
    "logBytesPerServiceMax" | "logBytesMax" | "logAgeMaxMs" | "logBytesPerSecondMax"
  >;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: appends to a private file. */
  readonly append?: AppendToFile;
}

/** The origin of a record. */
export interface RecordOrigin {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
}

/** A record that an instance has printed, or that Lever adds about it. */
export interface RecordContent {
  readonly level: LogLevel;
  readonly text: string;
  /** `""` = none. */
  readonly call?: string;
  readonly stream?: "stdout" | "stderr";
  readonly dropped?: Dropped;
}

interface ServiceLog {
  readonly folder: SegmentFolder;
  lines: string[];
  bytes: number;
  firstAt: number;
  /** Records that were not written, since the last one that was. */
  lost: Dropped;
}

/** About the bytes of a line besides its text. */
const FIELDS_BYTES = 80;
const LOST = "all services print more than logBytesPerSecondMax, or the disk refuses it";
const NONE: Dropped = { records: 0, bytes: 0 };

/**
 * The logs of all services, in files.
 *
 * - N1. A record is whole, or a record that says how many were dropped stands in its place.
 * - N2. A record that was added is found by every later search: what an instance printed before it ended is there when its
 *   end is known.
 */
export class LogBook {
  readonly #options: LogBookOptions;
  readonly #allowance: Allowance;
  /** Those used last are at the end. */
  readonly #services = new Map<string, ServiceLog>();
  readonly #watchers = new Set<(record: TimedRecord) => void>();
  #lastAt = 0;
  #waitingBytes = 0;
  /** Bytes of all files; undefined = they have not been counted yet. */
  #storedBytes: number | undefined;
  #writing: Promise<void> = Promise.resolve();
  #gatherTimer: unknown;
  #sweepTimer: unknown;
  /** No write before this moment of the clock; undefined = the last one succeeded. */
  #retryAt: number | undefined;
  #searches = 0;
  #search: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: LogBookOptions) {
    this.#options = options;
    const { logBytesPerSecondMax: rate } = options.limits;
    this.#allowance = new Allowance(rate, rate * BURST_SECONDS, options.clock.now());
    this.#sweepLater();
  }

  /** False = there are too many records, and this one is only counted. */
  add(origin: RecordOrigin, content: RecordContent): boolean {
    const { clock } = this.#options;
    const log = this.#logOf(origin);
    const now = clock.now();
    const bytes = content.text.length + FIELDS_BYTES;
    const mayWrite = this.#retryAt === undefined || now >= this.#retryAt;
    const hasSpace = this.#waitingBytes + bytes <= WAITING_BYTES_MAX;
    const isWritten = mayWrite && hasSpace && this.#allowance.take(bytes, now);
    if (isWritten && log.lost.records > 0) {
      this.#gather(log, this.#timed(origin, droppedContent(log.lost, LOST)));
      log.lost = NONE;
    }
    const timed = this.#timed(origin, content);
    for (const watcher of this.#watchers) watcher(timed);
    if (!isWritten) {
      log.lost = { records: log.lost.records + 1, bytes: log.lost.bytes + bytes };
      return false;
    }
    this.#gather(log, timed);
    if (log.bytes >= GATHER_BYTES) void this.flush();
    else this.#gatherTimer ??= clock.setTimeout(() => void this.flush(), GATHER_MS);
    return true;
  }

  #timed(origin: RecordOrigin, { call, ...content }: RecordContent): TimedRecord {
    const { environment, service, version, instance } = origin;
    const next = Math.round((this.#lastAt + TIME_STEP_MS) * 1_000) / 1_000;
    const at = Math.max(this.#options.clock.wallTime(), next);
    this.#lastAt = at;
    const named = call === undefined || call === "" ? {} : { call };
    const about = { environment, service, version, instance };
    return { at, record: { at: isoTime(Math.floor(at)), ...about, ...named, ...content } };
  }

  #logOf({ environment, service }: RecordOrigin): ServiceLog {
    const key = serviceKey(environment, service);
    const known = this.#services.get(key);
    if (known !== undefined) return known;
    const { dir, limits, append } = this.#options;
    const segmentBytesMax = limits.logBytesPerServiceMax / SEGMENTS;
    const segments = { segmentBytesMax, segmentsMax: SEGMENTS };
    const folder = new SegmentFolder(join(dir, environment, service), segments, append);
    const log = { folder, lines: [], bytes: 0, firstAt: 0, lost: NONE };
    this.#services.set(key, log);
    return log;
  }

  #gather(log: ServiceLog, timed: TimedRecord): void {
    const line = formatRecord(timed);
    if (log.lines.length === 0) log.firstAt = Math.floor(timed.at);
    log.lines.push(line);
    log.bytes += line.length;
    this.#waitingBytes += line.length;
  }

  /** Resolves when all records that were added are in the files, or have been refused by the system. */
  flush(): Promise<void> {
    this.#options.clock.clearTimeout(this.#gatherTimer);
    this.#gatherTimer = undefined;
    this.#writing = this.#writing.then(() => this.#writeAll());
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    const { limits } = this.#options;
    for (const [key, log] of [...this.#services]) {
      if (log.lines.length > 0) await this.#write(key, log);
    }
    for (const [key, { lines, lost }] of this.#services) {
      if (this.#services.size <= FOLDERS_MAX) break;
      if (lines.length === 0 && lost === NONE) this.#services.delete(key);
    }
    if ((this.#storedBytes ?? 0) > limits.logBytesMax) await this.#sweep();
  }

  async #write(key: string, log: ServiceLog): Promise<void> {
    const { lines, bytes, firstAt } = log;
    log.lines = [];
    log.bytes = 0;
    this.#waitingBytes -= bytes;
    try {
      const gained = await log.folder.append(lines.join(""), firstAt);
      if (this.#storedBytes !== undefined) this.#storedBytes += gained;
      // The newest is at the end.
      if (this.#services.delete(key)) this.#services.set(key, log);
      if (this.#retryAt !== undefined) this.#options.log("info", "logs", "service logs resumed");
      this.#retryAt = undefined;
    } catch (error) {
      log.lost = { records: log.lost.records + lines.length, bytes: log.lost.bytes + bytes };
      const reason = systemReason(error) ?? String(error);
      const isFirst = this.#retryAt === undefined;
      this.#retryAt = this.#options.clock.now() + RETRY_AFTER_MS;
      if (isFirst) this.#options.log("error", "logs", "service logs stopped", { reason });
    }
  }

  /** The newest records that are wanted, oldest first. @throws LeverError `overloaded` */
  async find(environment: string, filter: LogFilter): Promise<LogPage> {
    if (this.#searches >= SEARCHES_MAX) {
      throw new LeverError(
        "overloaded",
        `Cannot search the logs: ${SEARCHES_MAX} searches run or wait already. Try again.`,
        { retryAfterSeconds: 1 },
      );
    }
    this.#searches++;
    const work = async (): Promise<LogPage> => {
      // N2.
      await this.flush();
      return await findRecords({ dir: this.#options.dir, environment, filter });
    };
    const found = this.#search.then(work, work);
    this.#search = found;
    try {
      return await found;
    } finally {
      this.#searches--;
    }
  }

  /**
   * Calls back with each new record that is wanted, until `stop`. A search with `before` finds exactly those that were added
   * earlier.
   */
  watch(
    environment: string,
    filter: LogFilter,
    onRecord: (record: LogRecord) => void,
  ): { readonly before: number; stop(): void } {
    const isWanted = recordFilter(filter);
    const watcher = ({ record }: TimedRecord): void => {
      const isOfService = filter.service === undefined || filter.service === record.service;
      if (record.environment === environment && isOfService && isWanted(record)) onRecord(record);
    };
    this.#watchers.add(watcher);
    return {
      before: this.#lastAt + TIME_STEP_MS / 2,
      stop: () => void this.#watchers.delete(watcher),
    };
  }

  /** Removes the logs of an environment, or of one of its services. */
  async remove(environment: string, service = ""): Promise<void> {
    await this.flush();
    const prefix = service === "" ? serviceKey(environment, "") : serviceKey(environment, service);
    for (const key of this.#services.keys()) {
      if (service === "" ? key.startsWith(prefix) : key === prefix) this.#services.delete(key);
    }
    await rm(join(this.#options.dir, environment, service), { recursive: true, force: true });
  }

  /** Writes what was added. Nothing may be added after that. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#sweepTimer);
    await this.flush();
  }

  #sweepLater(): void {
    this.#sweepTimer = this.#options.clock.setTimeout(() => {
      this.#writing = this.#writing.then(() => this.#sweep());
      this.#sweepLater();
    }, SWEEP_EVERY_MS);
  }

  async #sweep(): Promise<void> {
    if (this.#isClosed) return;
    const { dir, clock, limits } = this.#options;
    this.#storedBytes = await sweepLogs(dir, {
      changedBefore: clock.wallTime() - limits.logAgeMaxMs,
      bytesMax: limits.logBytesMax,
    });
  }
}

/** A record in the place of dropped ones. `why` completes a sentence. */
export function droppedContent(dropped: Dropped, why: string): RecordContent {
  const size = `${(dropped.bytes / 1e6).toFixed(1)} MB`;
  const text = `… ${dropped.records} records (${size}) dropped: ${why}`;
  return { level: "warn", text, dropped };
}
