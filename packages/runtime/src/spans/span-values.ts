import { processMs, type SpanAttributes, type SpanValue } from "@leveros/protocol";
import type { Attributes, Exception, TimeInput } from "@opentelemetry/api";

/** Longer texts are cut. */
const TEXT_MAX = 1_000;
const STACK_MAX = 4_000;
const LIST_MAX = 32;
/** Attributes of a span, of an event, of a link. */
const ATTRIBUTES_MAX = 64;

export const shortText = (text: string, lengthMax: number = TEXT_MAX): string =>
  text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;

/** Adds an attribute to those that a span has. A value of another form than attributes have becomes its text. */
export function addAttribute(to: Record<string, SpanValue>, key: unknown, value: unknown): void {
  if (typeof key !== "string" || key === "" || value === undefined || value === null) return;
  const name = shortText(key, 200);
  if (!Object.hasOwn(to, name) && Object.keys(to).length >= ATTRIBUTES_MAX) return;
  // A property by this name would be the prototype.
  if (name === "__proto__") return;
  to[name] = Array.isArray(value) ? value.slice(0, LIST_MAX).map(plainValue) : plainValue(value);
}

/** undefined = there are none. */
export function plainAttributes(attributes: Attributes | undefined): SpanAttributes | undefined {
  if (typeof attributes !== "object" || attributes === null) return undefined;
  const plain: Record<string, SpanValue> = {};
  for (const [key, value] of Object.entries(attributes)) addAttribute(plain, key, value);
  return Object.keys(plain).length === 0 ? undefined : plain;
}

function plainValue(value: unknown): string | number | boolean {
  switch (typeof value) {
    case "string":
      return shortText(value);
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "object":
      return shortText(jsonOf(value));
    default:
      return shortText(String(value));
  }
}

/** Values that have no JSON are rare, and must not fail the method. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "[object]";
  }
}

/** The attributes of the event that an error is (OpenTelemetry's semantic conventions for exceptions). */
export function exceptionAttributes(exception: Exception): SpanAttributes {
  if (typeof exception !== "object" || exception === null) {
    return { "exception.message": shortText(String(exception)) };
  }
  const { name, code, message, stack } = exception;
  const type = code ?? name;
  return {
    ...(type !== undefined && { "exception.type": shortText(String(type)) }),
    ...(message !== undefined && { "exception.message": shortText(String(message)) }),
    ...(stack !== undefined && { "exception.stacktrace": shortText(String(stack), STACK_MAX) }),
  };
}

/**
 * A time that the service gives, by `processMs`. Numbers are milliseconds since 1970, or of `performance.now()`; pairs are
 * seconds since 1970 and nanoseconds. Absent or of another form = now.
 */
export function timeOf(time: TimeInput | undefined): number {
  const now = processMs();
  const wallMs = Array.isArray(time)
    ? Number(time[0]) * 1e3 + Number(time[1]) / 1e6
    : time instanceof Date
      ? time.getTime()
      : typeof time === "number"
        ? time < performance.timeOrigin
          ? time + performance.timeOrigin
          : time
        : Number.NaN;
  return Number.isFinite(wallMs) ? wallMs - Date.now() + now : now;
}
