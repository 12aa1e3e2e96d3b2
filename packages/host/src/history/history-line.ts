import { isJsonObject } from "@leveros/protocol";

/** A service, or the host, within one minute. */
export interface MinutePoint {
  readonly calls: number;
  readonly errors: number;
  /** Percentiles of durations; null = there were no calls. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** The following as they were at its end. */
  readonly callsWaiting: number;
  readonly instances: number;
  readonly memoryBytes: number;
  /** Processor time within the minute. */
  readonly cpuSeconds: number;
}

/** One minute of a host. */
export interface Minute {
  /** Its end, in milliseconds since 1970. */
  readonly at: number;
  readonly host: MinutePoint;
  /** By `environment/service`. */
  readonly services: Readonly<Record<string, MinutePoint>>;
}

/** A point as numbers, in the order of its fields. */
function numbersOf(point: MinutePoint): (number | null)[] {
  return [
    point.calls,
    point.errors,
    rounded(point.p50Ms),
    rounded(point.p95Ms),
    rounded(point.p99Ms),
    point.callsWaiting,
    point.instances,
    point.memoryBytes,
    rounded(point.cpuSeconds),
  ];
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4));
}

/** A minute as one line of JSON. */
export function formatMinute({ at, host, services }: Minute): string {
  const s = Object.fromEntries(
    Object.entries(services).map(([name, point]) => [name, numbersOf(point)]),
  );
  return JSON.stringify({ t: Math.round(at / 1_000), h: numbersOf(host), s });
}

/** undefined for a line that a crash has cut. */
export function parseMinute(line: string): Minute | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { t, h, s } = value;
  const host = parsePoint(h);
  if (typeof t !== "number" || host === undefined || !isJsonObject(s)) return undefined;
  const services: Record<string, MinutePoint> = {};
  for (const [name, numbers] of Object.entries(s)) {
    const point = parsePoint(numbers);
    if (point !== undefined) services[name] = point;
  }
  return { at: t * 1_000, host, services };
}

function parsePoint(numbers: unknown): MinutePoint | undefined {
  if (!Array.isArray(numbers)) return undefined;
  const count = (index: number): number => {
    const value: unknown = numbers[index];
    return typeof value === "number" ? value : 0;
  };
  const duration = (index: number): number | null => {
    const value: unknown = numbers[index];
    return typeof value === "number" ? value : null;
  };
  return {
    calls: count(0),
    errors: count(1),
    p50Ms: duration(2),
    p95Ms: duration(3),
    p99Ms: duration(4),
    callsWaiting: count(5),
    instances: count(6),
    memoryBytes: count(7),
    cpuSeconds: count(8),
  };
}
