import { fileURLToPath } from "node:url";
import { eventually } from "../tests/harness/eventually.ts";
import type { RunningLever } from "../tests/harness/lever.ts";

/** The environment of a host whose event loop is measured. */
export const loopDelayEnv: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=${fileURLToPath(new URL("loop-delay.ts", import.meta.url))}`,
};

export interface LongestTurn {
  /** The longest delay of the event loop, in milliseconds. */
  readonly delayMs: number;
  /** The most processor time that its thread took between two turns. Other processes do not count. */
  readonly computedMs: number;
}

/** Measures the event loop of a host with `loopDelayEnv` since the last time that this was called. */
export async function longestTurn(lever: RunningLever): Promise<LongestTurn> {
  const found = (): RegExpMatchArray[] => [
    ...lever.printed().matchAll(/^event loop: (.*) ms, (.*) ms$/gm),
  ];
  const before = found().length;
  process.kill(lever.pid, "SIGUSR2");
  const [, delayMs, computedMs] = await eventually(async () => found()[before]);
  return { delayMs: Number(delayMs), computedMs: Number(computedMs) };
}
