import { ChildProcess } from "node:child_process";
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { readOutput } from "./read-output.ts";

const PIECE_BYTES = 8 * 1024;

it("the output of all processes has 5 ms of a turn together, and each at least one piece", async () => {
  const clock = new VirtualClock();
  const handled = [0, 0, 0];
  const outputs = handled.map((_, index) => {
    const stdout = new PassThrough();
    const child = Object.assign(new ChildProcess(), { stdout, stderr: null });
    readOutput(
      child,
      (chunk) => {
        handled[index] = (handled[index] ?? 0) + chunk.length / PIECE_BYTES;
        clock.advance(2);
      },
      clock,
    );
    return stdout;
  });
  for (const stdout of outputs) stdout.write(Buffer.alloc(10 * PIECE_BYTES));
  await turn();
  expect(handled).toEqual([3, 1, 1]);
});
