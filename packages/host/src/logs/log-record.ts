import {
  isJsonObject,
  type LogFilter,
  type LogLevel,
  type LogRecord,
  logLevels,
} from "@leveros/protocol";
import { isoTime } from "../clock.ts";

/** A record, and the moment at which the host got it. */
export interface TimedRecord {
  readonly at: number;
  readonly record: LogRecord;
}

/** A record as a line of JSON. Fields that follow from the file's folder are left out. */
export function formatRecord({ at, record }: TimedRecord): string {
  const { level, version, instance, call, stream, text, dropped } = record;
  return `${JSON.stringify({
    t: at,
    l: logLevels.indexOf(level) + 1,
    v: version,
    i: instance,
    ...(call !== undefined && { c: call }),
    ...(stream !== undefined && { s: stream }),
    m: text,
    ...(dropped !== undefined && { n: dropped.records, b: dropped.bytes }),
  })}\n`;
}

/** undefined = the line is no record: a host that was killed may leave half a line. */
export function parseRecord(
  line: string,
  { environment, service }: { readonly environment: string; readonly service: string },
): TimedRecord | undefined {
  const { t, l, v, i, c, s, m, n, b } = parseObject(line);
  const level = logLevels[Number(l) - 1];
  if (typeof t !== "number" || level === undefined || typeof m !== "string") return undefined;
  const dropped = typeof n === "number" ? { records: n, bytes: Number(b) } : undefined;
  const record: LogRecord = {
    at: isoTime(t),
    level,
    environment,
    service,
    version: Number(v),
    instance: String(i),
    ...(typeof c === "string" && { call: c }),
    ...((s === "stdout" || s === "stderr") && { stream: s }),
    text: m,
    ...(dropped !== undefined && { dropped }),
  };
  return { at: t, record };
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Which records of a service are wanted; without its span of time. */
export function recordFilter(filter: LogFilter): (record: LogRecord) => boolean {
  const { instance, version, call, level, grep } = filter;
  const levels = level === undefined ? undefined : levelsFrom(level);
  return (record) =>
    (instance === undefined || record.instance === instance) &&
    (version === undefined || record.version === version) &&
    (call === undefined || record.call === call) &&
    (levels === undefined || levels.has(record.level)) &&
    (grep === undefined || record.text.includes(grep));
}

/** A level and those that are more important. */
export function levelsFrom(level: LogLevel): ReadonlySet<string> {
  return new Set(logLevels.slice(logLevels.indexOf(level)));
}

/** A text that each line with a wanted record has, so that other lines need not be parsed. */
export function textInLine({ call, instance, grep }: LogFilter): string {
  if (call !== undefined) return `"c":${JSON.stringify(call)}`;
  if (instance !== undefined) return `"i":${JSON.stringify(instance)}`;
  return grep === undefined ? "" : JSON.stringify(grep).slice(1, -1);
}
