import type { StartTimes } from "@leveros/protocol";
import type { InstanceTarget } from "./instance-target.ts";

/**
 * The times of its instance's start that a call waited for from `since` on. undefined = it waited for none of them, but for
 * a place on an instance that had started before.
 */
export function startWaitedFor(
  { start, readyAt }: Pick<InstanceTarget, "start" | "readyAt">,
  since: number,
): StartTimes | undefined {
  if (start === undefined || readyAt === undefined || readyAt <= since) return undefined;
  // The phases follow each other, and the last one ended at `readyAt`.
  const loadAt = readyAt - start.loadMs;
  const launchAt = loadAt - start.launchMs;
  const part = (from: number, to: number): number => Math.max(0, to - Math.max(from, since));
  return {
    isWarm: start.isWarm,
    prepareMs: part(launchAt - start.prepareMs, launchAt),
    launchMs: part(launchAt, loadAt),
    loadMs: part(loadAt, readyAt),
  };
}
