import { expect, it } from "vitest";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import { MethodTail } from "./method-tail.ts";

it("about one call in a hundred takes longer than the estimate", () => {
  const tail = new MethodTail();
  const random = seededRandom(1);
  let slower = 0;
  for (let call = 0; call < 200_000; call++) {
    const ms = 1 - Math.log(1 - random());
    if (call >= 100_000 && ms > tail.slowMs) slower++;
    tail.observe(ms);
  }
  expect(slower / 100_000).toBeGreaterThan(0.005);
  expect(slower / 100_000).toBeLessThan(0.02);
});

it("a call is slow if it takes more than twice as long as nearly all others", () => {
  const tail = new MethodTail();
  for (let call = 0; call < 10_000; call++) expect(tail.observe(1)).toBe(false);
  expect([tail.observe(1.5), tail.observe(5)]).toEqual([false, true]);
});
