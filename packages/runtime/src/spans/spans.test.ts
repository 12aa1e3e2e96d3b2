import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { SentSpan } from "@leveros/protocol";
import type * as OpenTelemetry from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import {
  makeTemporaryFolder,
  type TemporaryFolder,
} from "../../../../tests/harness/temporary-folder.ts";
import type { SpannedCall, SpansMessage } from "./call-spans.ts";
import { openSpans, type Spans } from "./spans.ts";

const GLOBAL = Symbol.for("opentelemetry.js.api.1");
const require = createRequire(import.meta.filename);
const NEWER = "@opentelemetry/api";
const OLDER = "opentelemetry-api-1-4";
const TRACE = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };

let folder: TemporaryFolder;
let current: SpannedCall | undefined;
let sent: SpansMessage[];
let spans: Spans;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  for (const copy of [NEWER, OLDER]) {
    const from = join(import.meta.dirname, "../../../../node_modules", copy);
    cpSync(from, packageOf(copy), {
      recursive: true,
      filter: (path) => !/\.(?:map|d\..?ts)$/.test(path),
    });
  }
});

beforeEach(() => {
  sent = [];
  current = startCall({});
  spans = openSpans({
    bounds: { spansMax: 3, spanBytesMax: 5_000 },
    currentCall: () => current,
    send: (message) => sent.push(message),
  });
});

afterEach(() => {
  Reflect.deleteProperty(globalThis, GLOBAL);
});

afterAll(() => folder[Symbol.asyncDispose]());

function startCall(given: Partial<SpannedCall>): SpannedCall {
  return {
    number: 7,
    isSampled: true,
    isOver: false,
    spanContext: TRACE,
    spans: undefined,
    ...given,
  };
}

/** A copy of the package where a service has it. */
const packageOf = (copy: string): string =>
  join(folder.path, copy.replace("/", "-"), "node_modules/@opentelemetry/api");

function loadApi(copy = OLDER): typeof OpenTelemetry {
  const path = require.resolve(packageOf(copy));
  spans.onResolved(pathToFileURL(path).href);
  return require(path) as typeof OpenTelemetry;
}

function sentSpans(): SentSpan[] {
  return sent.flatMap((message) => JSON.parse(message.spans) as SentSpan[]);
}

it.each([NEWER, OLDER])(
  "spans of %s are in the span that is active, also after an await",
  async (copy) => {
    const { trace, SpanStatusCode } = loadApi(copy);
    const tracer = trace.getTracer("shop", "1.0");
    await tracer.startActiveSpan("outer", { attributes: { rows: 3 } }, async (outer) => {
      await Promise.resolve();
      const inner = tracer.startSpan("inner", { kind: 2 });
      inner.addEvent("half", { tags: ["a", "b"] });
      inner.recordException(new TypeError("no"));
      inner.setStatus({ code: SpanStatusCode.ERROR, message: "no" });
      inner.end();
      expect(trace.getActiveSpan()).toBe(outer);
      expect(spans.activeSpan(current as SpannedCall)).toMatchObject({
        traceId: TRACE.traceId,
        spanId: outer.spanContext().spanId,
      });
      outer.end();
    });
    trace.getActiveSpan()?.setAttribute("user", "ada");
    current?.spans?.end(false);
    const [own, inner, outer] = sentSpans();
    expect(own).toMatchObject({ id: TRACE.spanId, attributes: { user: "ada" } });
    expect(outer).toMatchObject({
      name: "outer",
      parent: TRACE.spanId,
      scope: "shop",
      attributes: { rows: 3 },
    });
    expect(inner).toMatchObject({
      name: "inner",
      parent: outer?.id,
      kind: 2,
      status: "error",
      message: "no",
      events: [
        { name: "half", attributes: { tags: ["a", "b"] } },
        { name: "exception", attributes: { "exception.type": "TypeError" } },
      ],
    });
  },
);

it("a service's own provider takes over the tracers that it had before", () => {
  const { trace } = loadApi();
  const before = trace.getTracer("early");
  const started: string[] = [];
  const tracer = {
    startSpan(name: string) {
      started.push(name);
      return trace.wrapSpanContext({
        traceId: "a".repeat(32),
        spanId: "b".repeat(16),
        traceFlags: 1,
      });
    },
    startActiveSpan: (name: string) => started.push(`active ${name}`),
  };
  const provider = { getTracer: () => tracer } as unknown as OpenTelemetry.TracerProvider;
  expect(trace.setGlobalTracerProvider(provider)).toBe(true);
  before.startSpan("one").end();
  before.startActiveSpan("two", () => {});
  trace.getTracer("late").startSpan("three").end();
  expect(started).toEqual(["one", "active two", "three"]);
  current?.spans?.end(false);
  expect(sent).toEqual([]);
  expect(trace.setGlobalTracerProvider(provider)).toBe(false);
});

it("an older copy of the API can register its own provider, too", () => {
  const newer = loadApi(NEWER);
  const { trace } = loadApi(OLDER);
  newer.trace.getTracer("x").startSpan("x").end();
  const provider = { getTracer: () => undefined } as unknown as OpenTelemetry.TracerProvider;
  expect(trace.setGlobalTracerProvider(provider)).toBe(true);
});

it("a logger and a propagator that a service registers leave its spans as they are", () => {
  const { diag, DiagConsoleLogger, DiagLogLevel, propagation, trace } = loadApi();
  expect(diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ERROR)).toBe(true);
  const fields = {
    inject() {},
    extract: (context: OpenTelemetry.Context) => context,
    fields: () => [],
  };
  expect(propagation.setGlobalPropagator(fields)).toBe(true);
  trace.getTracer("x").startSpan("still").end();
  current?.spans?.end(false);
  expect(sentSpans()).toMatchObject([{ name: "still" }]);
});

it("the header traceparent of a span is written, and that of a message becomes a link", () => {
  const { context, propagation, trace } = loadApi();
  const tracer = trace.getTracer("x");
  const carrier: Record<string, string> = {};
  tracer.startActiveSpan("outer", (span) => {
    propagation.inject(context.active(), carrier);
    expect(carrier["traceparent"]).toBe(`00-${TRACE.traceId}-${span.spanContext().spanId}-01`);
    span.end();
  });
  const message = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
  tracer.startSpan("message", {}, propagation.extract(context.active(), message)).end();
  current?.spans?.end(false);
  expect(sentSpans()[1]).toMatchObject({
    parent: TRACE.spanId,
    links: [{ traceId: "a".repeat(32), spanId: "b".repeat(16) }],
  });
});

it("spans over the limits of a call are counted, and those below are sent", () => {
  const { trace } = loadApi();
  const tracer = trace.getTracer("x");
  for (const size of [10, 900, 10, 10]) {
    const attributes = Object.fromEntries(
      Array.from({ length: size / 10 }, (_, at) => [`a${at}`, "x".repeat(100)]),
    );
    tracer.startSpan(`of ${size}`, { attributes }).end();
  }
  current?.spans?.end(false);
  expect(sentSpans().map(({ name }) => name)).toEqual(["of 10", "of 10"]);
  expect(sent).toMatchObject([{ call: 7, count: 2, dropped: 2 }]);
});

it("a span that ends after its call is sent later, and a new one is not recorded", async () => {
  const { trace } = loadApi();
  const tracer = trace.getTracer("x");
  const late = tracer.startSpan("late");
  current?.spans?.end(false);
  expect(sent).toEqual([]);
  late.end();
  await new Promise(setImmediate);
  expect(sentSpans()).toMatchObject([{ name: "late" }]);
});

it.each([
  ["succeeds at once", false, 0],
  ["fails", true, 1],
])("of a call that is not sampled and %s, spans are sent: %s", (_name, hasFailed, count) => {
  current = startCall({ isSampled: false });
  const { trace } = loadApi();
  trace.getTracer("x").startSpan("quick").end();
  current.spans?.end(hasFailed);
  expect(sent).toHaveLength(count);
});

it("outside of calls, spans record nothing", () => {
  const { trace, isSpanContextValid } = loadApi();
  current = undefined;
  const span = trace.getTracer("x").startSpan("load");
  expect([span.isRecording(), isSpanContextValid(span.spanContext())]).toEqual([false, false]);
  span.end();
});
