import type { SpanAttributes, SpanEvent, SpanLink, SpanRecord, SpanValue } from "@leveros/protocol";

const SPAN_ID = /^[0-9a-f]{16}$/;
const TRACE_ID = /^[0-9a-f]{32}$/;
const TEXT_MAX = 4_000;
const NAME_MAX = 200;
const ITEMS_MAX = 64;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The spans that an instance has sent, which may be anything: what is not a span is left out. `startOf`: the time of a span's
 * start, in milliseconds from the arrival of its call.
 */
export function parseSpans(text: string, startOf: (at: number) => number): SpanRecord[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  return listOf(value, (span) => parseSpan(span, startOf));
}

function parseSpan(fields: Fields, startOf: (at: number) => number): SpanRecord | undefined {
  const { id, parent, name, scope, kind, at, ms, status, message } = fields;
  if (!isText(id, SPAN_ID) || !isNumber(at) || !isNumber(ms) || ms < 0) return undefined;
  if (typeof name !== "string" || (parent !== undefined && !isText(parent, SPAN_ID))) {
    return undefined;
  }
  const attributes = attributesOf(fields["attributes"]);
  const events = listOf(fields["events"], parseEvent);
  const links = listOf(fields["links"], parseLink);
  return {
    id,
    ...(parent !== undefined && { parent }),
    name: name.slice(0, NAME_MAX),
    ...(typeof scope === "string" && { scope: scope.slice(0, NAME_MAX) }),
    ...(isNumber(kind) && kind >= 1 && kind <= 4 && { kind: Math.floor(kind) }),
    startMs: Math.round(startOf(at) * 1e3) / 1e3,
    ms,
    ...(attributes && { attributes }),
    ...(events.length > 0 && { events }),
    ...(links.length > 0 && { links }),
    ...((status === "ok" || status === "error") && { status }),
    ...(typeof message === "string" && { message: message.slice(0, TEXT_MAX) }),
  };
}

function parseEvent({ name, atMs, attributes: given }: Fields): SpanEvent | undefined {
  if (typeof name !== "string" || !isNumber(atMs)) return undefined;
  const attributes = attributesOf(given);
  return { name: name.slice(0, NAME_MAX), atMs, ...(attributes && { attributes }) };
}

function parseLink({ traceId, spanId, attributes: given }: Fields): SpanLink | undefined {
  if (!isText(traceId, TRACE_ID) || !isText(spanId, SPAN_ID)) return undefined;
  const attributes = attributesOf(given);
  return { traceId, spanId, ...(attributes && { attributes }) };
}

function attributesOf(value: unknown): SpanAttributes | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Object.entries(value)
    .slice(0, ITEMS_MAX)
    .flatMap(([key, given]): [string, SpanValue][] => {
      const parsed = Array.isArray(given)
        ? given.slice(0, ITEMS_MAX).filter(isPlain)
        : isPlain(given)
          ? given
          : undefined;
      return parsed === undefined ? [] : [[key.slice(0, NAME_MAX), parsed]];
    });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function listOf<Item>(value: unknown, parse: (fields: Fields) => Item | undefined): Item[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) =>
    typeof item === "object" && item !== null ? (parse(item as Fields) ?? []) : [],
  );
}

function isPlain(value: unknown): value is string | number | boolean {
  return (
    (typeof value === "string" && value.length <= TEXT_MAX) ||
    typeof value === "boolean" ||
    isNumber(value)
  );
}

const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

const isText = (value: unknown, form: RegExp): value is string =>
  typeof value === "string" && form.test(value);
