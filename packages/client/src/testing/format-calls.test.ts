import type { CallRecord } from "@leveros/protocol";
import { expect, it } from "vitest";
import { formatCalls } from "./format-calls.ts";

const call = (id: string, more: Partial<CallRecord> = {}): CallRecord => ({
  id,
  service: "shop",
  method: "pay",
  at: "2026-03-01T10:00:00.000Z",
  ms: 1,
  outcome: "ok",
  bodyBytes: 2,
  ...more,
});

it("a call made in the course of another is below it", () => {
  const calls = [
    call("k7-1", { ms: 12.345, outcome: "internal", error: "no stock", waitMs: 3.21 }),
    call("k7-2"),
    call("k7-3", { parent: "k7-1", service: "stock", method: "take" }),
    call("k7-4", { parent: "k7-3", service: "log", method: "add" }),
  ];
  expect(formatCalls(calls)).toEqual([
    "  shop/pay  12.3 ms, waited 3.2 ms  internal: no stock  (k7-1)",
    "    stock/take  1 ms  ok  (k7-3)",
    "      log/add  1 ms  ok  (k7-4)",
    "  shop/pay  1 ms  ok  (k7-2)",
  ]);
});

it("a call whose caller is not among them is shown as a first one", () => {
  expect(formatCalls([call("k7-3", { parent: "k7-1" })])).toEqual(["  shop/pay  1 ms  ok  (k7-3)"]);
});
