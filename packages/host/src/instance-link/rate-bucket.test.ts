import { expect, it } from "vitest";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import { RateBucket } from "./rate-bucket.ts";

it("bytes pass at the rate plus one burst, whatever their pieces", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const bytesPerSecond = 1 + Math.floor(random() * 1e7);
    const bucket = new RateBucket(bytesPerSecond, 0);
    let now = 0;
    let through = 0;
    for (let piece = 0; piece < 1_000; piece++) {
      const bytes = Math.floor(random() * 70_000);
      through += bytes;
      now += bucket.take(bytes, now);
      const burst = Math.max(65_536, bytesPerSecond * 0.05);
      // Waiting in whole milliseconds loses at most one of them each time.
      expect(through).toBeLessThanOrEqual((bytesPerSecond * now) / 1_000 + burst + 1e-6);
    }
    expect(through).toBeGreaterThanOrEqual((bytesPerSecond * (now - 1_000)) / 1_000 - 70_000);
  }
});

it("an unused bucket fills up to one burst", () => {
  const bucket = new RateBucket(1_000_000, 0);
  expect(bucket.take(65_536, 1e9)).toBe(0);
  expect(bucket.take(1_000, 1e9)).toBe(1);
});
