/**
 * Loaded before a host's own program (`node --import`). At SIGUSR2 it prints the longest delay of the event loop since the
 * signal before, and the most processor time that its thread took between two turns, both in milliseconds. The second does
 * not count other processes. Processes that inherit the option do nothing.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

if (process.argv[2] === "up") {
  const resolution = 1;
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  let computedMs = 0;
  let before = process.threadCpuUsage();
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    computedMs = Math.max(computedMs, (user + system) / 1_000);
  }, resolution);
  process.on("SIGUSR2", () => {
    // A sample is the time between two of its own timers.
    const delayedMs = Math.max(0, delays.max / 1e6 - resolution);
    process.stdout.write(`event loop: ${delayedMs.toFixed(3)} ms, ${computedMs.toFixed(3)} ms\n`);
    delays.reset();
    computedMs = 0;
  });
}
