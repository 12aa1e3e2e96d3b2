import { defaultLimits, type LimitName, type Limits } from "@leveros/protocol";

const DAY_MS = 86_400_000;

const developed: Partial<Record<LimitName, number>> = {
  // One for the next save, and one for a save right after it.
  warmRuntimesMax: 2,
  versionsKeptMax: 5,
  // Pages connect again, to the new code.
  deployDrainTimeoutMs: 1_000,
  // Every call has a trace.
  traceSampledEach: 1,
};

/** A process that a debugger has paused answers nothing. */
const debugged: Partial<Record<LimitName, number>> = {
  unresponsiveAfterMs: DAY_MS,
  unresponsiveKillAfterMs: DAY_MS,
  startTimeoutMs: DAY_MS,
  callTimeoutMs: DAY_MS,
  idleTimeoutMs: DAY_MS,
  resourceIdleTimeoutMs: DAY_MS,
  resourceHookTimeoutMs: DAY_MS,
  deployDrainTimeoutMs: DAY_MS,
  drainTimeoutMs: 2_000,
};

/** The limits of a host for services that are being developed, and those of them that are not the defaults. */
export function devLimits({ isDebugged }: { readonly isDebugged: boolean }): {
  readonly limits: Limits;
  readonly overridden: ReadonlySet<LimitName>;
} {
  const changed = { ...developed, ...(isDebugged && debugged) };
  const overridden = new Set(Object.keys(changed) as LimitName[]);
  return { limits: { ...defaultLimits, ...changed }, overridden };
}
