import { afterEach, expect, it, vi } from "vitest";
import { openOutput } from "./own-output.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

it("errors beyond a burst are counted, and the next one that is logged has their number", () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
  const now = vi.spyOn(performance, "now").mockReturnValue(0);
  const output = openOutput({ callId: () => "", codeDir: () => "" });
  for (let i = 0; i < 60; i++) output.logError(new Error(`error ${i}`), "pay failed", "");
  expect(written).toHaveLength(50);
  now.mockReturnValue(1_000);
  output.logError(new Error("the last one"), "pay failed", "");
  expect(written[50]).toContain("pay failed (10 errors before it are not shown): Error: the last");
});
