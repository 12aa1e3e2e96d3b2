import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { watchOutputEnd } from "./output-end.ts";

it("the end of the output comes when the exited process has closed its pipes", async () => {
  const child = spawn("sh", ["-c", "echo last"], { stdio: ["ignore", "pipe", "ignore"] });
  const outputEnd = watchOutputEnd(child, { bytes: 0, finish: () => {} }, new VirtualClock());
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  await once(child, "exit");
  await outputEnd();
  expect(output).toBe("last\n");
});

it("a process that keeps the pipes open delays the end by 200 ms after its last output", async () => {
  const clock = new VirtualClock();
  const reading = { bytes: 0, finish: () => {} };
  // cat inherits the output and ends when this test closes file descriptor 3.
  const stdio = ["ignore", "pipe", "ignore", "pipe"] as const;
  const child = spawn("sh", ["-c", "cat <&3 &"], { stdio: [...stdio] });
  const outputEnd = watchOutputEnd(child, reading, clock);
  child.stdout?.resume();
  await once(child, "exit");
  let hasEnded = false;
  const ended = outputEnd().then(() => {
    hasEnded = true;
  });
  clock.advance(199);
  // Output that is read late.
  reading.bytes = 10;
  clock.advance(1);
  clock.advance(199);
  await new Promise(setImmediate);
  expect(hasEnded).toBe(false);
  clock.advance(1);
  await ended;
  child.stdio[3]?.destroy();
});
