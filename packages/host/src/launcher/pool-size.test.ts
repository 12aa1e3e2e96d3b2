import { describe, expect, it } from "vitest";
import { decidePoolSize } from "./pool-size.ts";

describe("the number of runtimes that are kept ready", () => {
  it("is one when nothing has been started, and none when there may be none", () => {
    expect(decidePoolSize([], 0, 8)).toBe(1);
    expect(decidePoolSize([1, 2, 3], 4, 0)).toBe(0);
  });

  it("is what the busiest five seconds needed", () => {
    expect(decidePoolSize([0, 1_000, 4_999, 5_000, 20_000], 20_000, 8)).toBe(3);
    expect(decidePoolSize([0, 10_000, 20_000], 20_000, 8)).toBe(1);
    expect(decidePoolSize([1, 2, 3, 4, 5, 6], 10, 4)).toBe(4);
  });

  it("forgets what was ten minutes ago", () => {
    expect(decidePoolSize([0, 1, 2], 599_999, 8)).toBe(3);
    expect(decidePoolSize([0, 1, 2], 600_002, 8)).toBe(1);
  });
});
