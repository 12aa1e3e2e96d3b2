import type { CallRecord } from "@leveros/protocol";
import { expect, it } from "vitest";
import { traceRows } from "./trace-rows.ts";

function call(id: string, ms: number, more: Partial<CallRecord> = {}): CallRecord {
  return {
    id,
    service: id,
    method: "m",
    at: new Date(Date.UTC(2026, 0, 1) + ms).toISOString(),
    ms: 10,
    outcome: "ok",
    bodyBytes: 0,
    ...more,
  };
}

it("calls and spans are in the order of their tree", () => {
  const span = { id: "s1", parent: "of-shop", name: "SELECT", startMs: 1, ms: 2 };
  const inner = { id: "s2", parent: "s1", name: "row", startMs: 1.5, ms: 1 };
  const rows = traceRows([
    call("shop", 0, { spans: [span, inner] }),
    call("pay", 5, { parent: "shop", outcome: "method_failed" }),
    call("stock", 3, { parent: "shop", parentSpan: "s1" }),
    call("other", 2, { parent: "unknown" }),
  ]);
  expect(rows.map(({ name, depth, startMs }) => [name, depth, startMs])).toEqual([
    ["shop/m", 0, 0],
    ["SELECT", 1, 1],
    ["row", 2, 1.5],
    ["stock/m", 2, 3],
    ["pay/m", 1, 5],
    ["other/m", 0, 2],
  ]);
  expect(rows.map(({ isBad }) => isBad)).toEqual([false, false, false, false, true, false]);
});
