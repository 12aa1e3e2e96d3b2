import type { Fleet } from "../fleet/fleet.ts";
import { isRecordedCall, type RecordedCall } from "../router/call-recorder.ts";

/** The calls of an environment that instances have, or that wait for one. */
export function runningCalls(
  fleet: Pick<Fleet, "servicesOf">,
  environment: string,
): readonly RecordedCall[] {
  return fleet.servicesOf(environment).flatMap(({ instances, route }) => {
    const calls: readonly object[] = [
      ...instances.flatMap(({ target }) => target.callee.openCalls?.() ?? []),
      ...route.waitingCalls,
    ];
    return calls.filter(isRecordedCall);
  });
}
