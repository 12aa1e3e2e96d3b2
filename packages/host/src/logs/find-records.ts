import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { LogFilter, LogPage, LogRecord } from "@leveros/protocol";
import { parseRecord, recordFilter, type TimedRecord, textInLine } from "./log-record.ts";
import { linesBack, type TimeSpan } from "./read-back.ts";

/** A page must fit into one reply. */
const PAGE_BYTES_MAX = 2 * 1024 * 1024;
export const PAGE_RECORDS_MAX = 1_000;
export const PAGE_RECORDS = 100;

export interface RecordsQuery {
  /** Has a folder for each environment, with one for each service. */
  readonly dir: string;
  readonly environment: string;
  readonly filter: LogFilter;
}

/** The newest records that are wanted, oldest first. */
export async function findRecords({ dir, environment, filter }: RecordsQuery): Promise<LogPage> {
  const max = Math.min(filter.max ?? PAGE_RECORDS, PAGE_RECORDS_MAX);
  const span = spanOf(filter);
  let found: readonly TimedRecord[] = [];
  /** Older records may be missing. */
  let completeFrom = Number.NEGATIVE_INFINITY;
  for (const service of await servicesOf(join(dir, environment), filter)) {
    const records: TimedRecord[] = [];
    let bytes = 0;
    const folder = join(dir, environment, service);
    // A service may be called less often than others: its older records are not needed.
    const since = Math.max(span.since ?? 0, completeFrom);
    for await (const record of recordsBack(
      folder,
      { environment, service },
      { ...span, since },
      filter,
    )) {
      records.push(record);
      bytes += record.record.text.length;
      if (records.length <= max && bytes < PAGE_BYTES_MAX) continue;
      completeFrom = Math.max(completeFrom, record.at);
      break;
    }
    found = [...found, ...records].sort((a, b) => b.at - a.at);
    if (found.length > max) completeFrom = Math.max(completeFrom, found[max - 1]?.at ?? 0);
    found = found.filter(({ at }) => at >= completeFrom).slice(0, max);
  }
  const oldest = found.at(-1);
  const hasMore = completeFrom > Number.NEGATIVE_INFINITY;
  return {
    records: found.map(({ record }) => record).reverse(),
    ...(hasMore && oldest !== undefined && { next: oldest.at }),
  };
}

function spanOf({ since, until, before = Number.POSITIVE_INFINITY }: LogFilter): TimeSpan {
  const end = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until);
  return {
    since: since === undefined ? undefined : Date.parse(since),
    until: Math.min(end, before),
  };
}

async function servicesOf(dir: string, { service }: LogFilter): Promise<readonly string[]> {
  if (service !== undefined) return [service];
  return await readdir(dir).catch(() => []);
}

async function* recordsBack(
  folder: string,
  place: Pick<LogRecord, "environment" | "service">,
  { since = 0, until = Number.POSITIVE_INFINITY }: TimeSpan,
  filter: LogFilter,
): AsyncGenerator<TimedRecord> {
  const isWanted = recordFilter(filter);
  const needle = textInLine(filter);
  for await (const lines of linesBack(folder, { since, until })) {
    for (const line of lines) {
      if (!line.includes(needle)) continue;
      const found = parseRecord(line, place);
      if (found === undefined || found.at >= until) continue;
      if (found.at < since) return;
      if (isWanted(found.record)) yield found;
    }
  }
}
