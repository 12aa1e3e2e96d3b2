import type { InstanceMeter } from "../fleet/instance-output.ts";
import type { HostMeters } from "../metrics/host-meters.ts";
import type { CallHistory } from "../traces/call-history.ts";

/** Counts what the instances of a host do. `calls`: keeps their spans; undefined = all are dropped. */
export function instanceMeter(meters: HostMeters, calls: CallHistory | undefined): InstanceMeter {
  const { services, pings, linkBytes } = meters;
  return {
    passed: linkBytes,
    onPong: (ms) => pings.observe(ms),
    onLogged({ environment, service }, bytes) {
      services.of(environment, service).logBytes += bytes;
    },
    onLogDropped({ environment, service }, bytes) {
      services.of(environment, service).logDroppedBytes += bytes;
    },
    onSpans({ environment, service, instance }, { call, spans, count, dropped }) {
      const lost = calls?.addSpans(instance, call, spans) === true ? 0 : count;
      services.of(environment, service).spansDropped += dropped + lost;
    },
  };
}
