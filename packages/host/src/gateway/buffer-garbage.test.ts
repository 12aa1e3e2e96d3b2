import { expect, it } from "vitest";
import { countPassed } from "./buffer-garbage.ts";

const MESSAGE_BYTES = 64 * 1024;

it("unused buffers of passed messages are freed long before they have 64 MB", () => {
  // Other tests of this process have buffers, too.
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let i = 0; i < 2_000; i++) {
    // Memory that no small object of V8 accounts for, as that of a read from a socket.
    structuredClone(new ArrayBuffer(MESSAGE_BYTES));
    countPassed(MESSAGE_BYTES);
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }
  expect(most - before).toBeLessThan(48e6);
});
