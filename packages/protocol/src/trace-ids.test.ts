import { expect, it } from "vitest";
import { formatTraceparent, TraceIds } from "./trace-ids.ts";
import { parseTraceparent } from "./traceparent.ts";

const ids = new TraceIds("0123456789abcdef");

it("calls and their waits have different spans, of 16 digits", () => {
  const spans = new Set<string>();
  for (let number = 1; number <= 10_000; number++) {
    for (const kind of [0, 1] as const) spans.add(ids.spanId(2 ** 50 + number, kind));
  }
  expect(spans.size).toBe(20_000);
  for (const span of spans) expect(span).toMatch(/^[0-9a-f]{16}$/);
});

it("a trace has the prefix of the host, and another host has other ids", () => {
  expect(ids.traceId(7)).toMatch(/^0123456789abcdef[0-9a-f]{16}$/);
  const other = new TraceIds("0123456789abcdee");
  expect(other.traceId(7).slice(16)).not.toBe(ids.traceId(7).slice(16));
});

it("each bit of an id is set for about half of the calls", () => {
  const counts = new Array<number>(64).fill(0);
  for (let number = 1; number <= 2_000; number++) {
    const id = BigInt(`0x${ids.spanId(number)}`);
    for (let bit = 0; bit < 64; bit++) {
      counts[bit] = (counts[bit] ?? 0) + Number((id >> BigInt(bit)) & 1n);
    }
  }
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});

it("a traceparent is read as it was written", () => {
  const context = { traceId: ids.traceId(1), spanId: ids.spanId(2) };
  for (const isSampled of [true, false]) {
    expect(parseTraceparent(formatTraceparent(context, isSampled))).toEqual({
      ...context,
      isSampled,
    });
  }
});

const good = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

it.each([
  [`00-${good}`, true],
  [`cc-${good}`, true],
  [`cc-${good}-what-the-future-will-be-like`, true],
  [`cc-${good}.what`, false],
  [`00-${good}-more`, false],
  [`ff-${good}`, false],
  [`00-${good.toUpperCase()}`, false],
  ["00-00000000000000000000000000000000-00f067aa0ba902b7-01", false],
  ["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false],
  ["", false],
])("of W3C's examples, %j is accepted: %s", (header, isAccepted) => {
  expect(parseTraceparent(header) !== undefined).toBe(isAccepted);
});
