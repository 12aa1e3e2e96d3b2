import { expect } from "vitest";

/**
 * Makes `toEqual` compare arrays of bytes of one class as a whole. By itself it compares them property by property: for
 * 4 MiB that takes two seconds.
 */
export function compareBytesAsWhole(): void {
  expect.addEqualityTesters([
    (a: unknown, b: unknown): boolean | undefined =>
      a instanceof Uint8Array && b instanceof Uint8Array && a.constructor === b.constructor
        ? Buffer.compare(a, b) === 0
        : undefined,
  ]);
}
