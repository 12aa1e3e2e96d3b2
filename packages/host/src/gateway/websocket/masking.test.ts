import { expect, it } from "vitest";
import { unmask } from "./masking.ts";

const mask = Uint8Array.of(0x12, 0x9a, 0x00, 0xff);

it.each([0, 1, 3, 4, 63, 64, 65, 66, 67, 68, 1_000])(
  "a payload of %i bytes is unmasked wherever it begins",
  (length) => {
    for (let offset = 0; offset < 4; offset++) {
      const memory = new Uint8Array(length + 8).map((_, index) => index * 7);
      const expected = memory.map((byte, index) => {
        const at = index - offset;
        return at < 0 || at >= length ? byte : byte ^ (mask[at % 4] ?? 0);
      });
      unmask(memory.subarray(offset, offset + length), mask);
      expect(memory).toEqual(expected);
    }
  },
);
