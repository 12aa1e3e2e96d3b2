import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { TraceIds } from "@leveros/protocol";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import type { CallEnd } from "./call-end.ts";
import { OtlpExporter } from "./otlp-exporter.ts";
import type { ExportedTrace } from "./otlp-spans.ts";
import { parseOtlpTarget } from "./otlp-target.ts";

const ids = new TraceIds("0123456789abcdef");
const ok: CallEnd = {
  number: 2,
  parent: 1,
  root: 1,
  arrivedAt: 10,
  endedAt: 12.5,
  bodyBytes: 2,
  version: 3,
  instance: "pay-3-a",
  environment: "dev.lever",
  service: "pay",
  method: "charge",
  caller: "shop",
  details: undefined,
};
const start = { isWarm: true, prepareMs: 1, launchMs: 1, loadMs: 1 };
const failed: CallEnd = {
  ...ok,
  number: 1,
  parent: 0,
  arrivedAt: 0,
  endedAt: 20,
  service: "shop",
  method: "checkout",
  caller: undefined,
  version: 12,
  instance: "shop-12-b",
  details: {
    resource: "r",
    code: "method_failed",
    error: "boom",
    waitMs: 5,
    start,
    trace: undefined,
  },
};
const trace: ExportedTrace = {
  traceId: ids.traceId(1),
  outerSpanId: "00f067aa0ba902b7",
  calls: [failed, ok],
  spans: new Map(),
  spanIdOf: (number, kind) => ids.spanId(number, kind),
  wallTimeOffset: 1_800_000_000_000,
};

interface Received {
  readonly path: string | undefined;
  readonly headers: Record<string, unknown>;
  readonly body: unknown;
}

/** A collector that answers with these statuses, one after the other, and then with the last one. */
async function openCollector(statuses: readonly number[], text = "{}") {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body: unknown = JSON.parse(String(gunzipSync(await buffer(request))));
    received.push({ path: request.url, headers: request.headers, body });
    response.writeHead(statuses[Math.min(received.length, statuses.length) - 1] ?? 200);
    response.end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clock = new VirtualClock();
  const events: unknown[] = [];
  const exporter = new OtlpExporter({
    target: parseOtlpTarget(`http://127.0.0.1:${port}/`, "x-key=a%20b, other=1"),
    clock,
    log: (_level, _part, event, fields) => events.push({ event, ...fields }),
  });
  return {
    received,
    events,
    exporter,
    /** Advances the clock until it has received so many requests. */
    async until(count: number): Promise<void> {
      await expect
        .poll(
          () => {
            clock.advance(1_000);
            return received.length;
          },
          { timeout: 20_000 },
        )
        .toBe(count);
    },
    async [Symbol.asyncDispose]() {
      await exporter.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

it("spans have the form that the protocol's JSON encoding defines", async () => {
  await using collector = await openCollector([200]);
  collector.exporter.add(trace);
  await collector.until(1);
  const [{ path, headers, body } = {}] = collector.received as [Partial<Received>];
  expect(path).toBe("/v1/traces");
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "content-encoding": "gzip",
    "x-key": "a b",
    other: "1",
  });
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const common = { traceId: ids.traceId(1), startTimeUnixNano: "1800000000000000000" };
  const shopSpans = [
    {
      ...common,
      spanId: ids.spanId(1),
      parentSpanId: "00f067aa0ba902b7",
      name: "shop/checkout",
      kind: 2,
      endTimeUnixNano: "1800000000020000000",
      attributes: [
        text("rpc.system", "lever"),
        text("rpc.service", "shop"),
        text("rpc.method", "checkout"),
        text("faas.invocation_id", "000-1"),
        { key: "faas.coldstart", value: { boolValue: true } },
        text("error.type", "method_failed"),
        text("lever.resource", "r"),
      ],
      status: { code: 2, message: "boom" },
    },
    {
      ...common,
      spanId: ids.spanId(1, 1),
      parentSpanId: ids.spanId(1),
      name: "wait",
      kind: 1,
      endTimeUnixNano: "1800000000005000000",
      attributes: [],
      status: {},
    },
  ];
  const resource = {
    attributes: [
      text("service.name", "shop"),
      text("service.namespace", "dev.lever"),
      text("service.version", "12"),
      text("service.instance.id", "shop-12-b"),
    ],
  };
  const { resourceSpans } = body as { resourceSpans: unknown[] };
  expect(resourceSpans[0]).toEqual({
    resource,
    scopeSpans: [{ scope: { name: "lever" }, spans: shopSpans }],
  });
  expect(resourceSpans[1]).toMatchObject({
    scopeSpans: [
      {
        spans: [
          {
            spanId: ids.spanId(2),
            parentSpanId: ids.spanId(1),
            startTimeUnixNano: "1800000000010000000",
            endTimeUnixNano: "1800000000012500000",
            status: {},
          },
        ],
      },
    ],
  });
});

it("a collector that is busy gets the spans later", async () => {
  await using collector = await openCollector([503, 429, 200]);
  collector.exporter.add(trace);
  await collector.until(3);
  expect(new Set(collector.received.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  await collector.exporter.close();
  expect([collector.exporter.dropped, collector.events]).toEqual([0, []]);
});

it.each([
  ["refuses them", [400], "{}", 3],
  ["accepts a part of them", [200], '{"partialSuccess":{"rejectedSpans":"2"}}', 2],
])("spans are dropped and counted when a collector %s", async (_name, statuses, text, dropped) => {
  await using collector = await openCollector(statuses, text);
  collector.exporter.add(trace);
  await collector.exporter.close();
  expect([collector.received.length, collector.exporter.dropped]).toEqual([1, dropped]);
  expect(collector.events).toMatchObject([{ event: "spans dropped", spans: dropped }]);
});

it("a host that stops does not wait until a busy collector takes spans", async () => {
  await using collector = await openCollector([503]);
  for (let count = 0; count < 400; count++) collector.exporter.add(trace);
  await expect.poll(() => collector.received.length, { timeout: 20_000 }).toBe(1);
  await collector.exporter.close();
  expect(collector.exporter.dropped).toBe(1_200);
});

it("spans that no collector takes are bounded", async () => {
  await using collector = await openCollector([503]);
  for (let count = 0; count < 2_000; count++) collector.exporter.add(trace);
  expect(collector.exporter.dropped).toBeGreaterThan(0);
});

it.each(["ftp://x", "x", ""])("traces cannot be sent to %j", (endpoint) => {
  expect(() => parseOtlpTarget(endpoint)).toThrow(/is not the URL of a collector/);
});
