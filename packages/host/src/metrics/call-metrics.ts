import { metricTable } from "./descriptions.ts";
import type { MethodMeter } from "./method-meter.ts";
import { outcomeNames, outcomes } from "./outcome.ts";
import { type ServiceMeter, startPhases } from "./service-meter.ts";
import type { Description, Metric, Sample } from "./text-format.ts";

type Samples<Of> = (of: Of) => Iterable<Sample | undefined>;

/** The metrics that services have counted. */
export function serviceMetrics(services: readonly ServiceMeter[]): Metric[] {
  const byService = (description: Description, samplesOf: Samples<ServiceMeter>): Metric => ({
    ...description,
    *samples() {
      for (const service of services) {
        yield undefined;
        yield* samplesOf(service);
      }
    },
  });
  const byMethod = (description: Description, samplesOf: Samples<MethodMeter>): Metric =>
    byService(description, function* (service) {
      for (const method of service.allMethods) yield* samplesOf(method);
    });
  return [
    byMethod(metricTable.calls, outcomeSamples),
    byMethod(metricTable.callDuration, ({ isStream, labels, durations }) =>
      isStream ? [] : [[labels, durations]],
    ),
    byMethod(metricTable.streamDuration, ({ isStream, labels, durations }) =>
      isStream ? [[labels, durations]] : [],
    ),
    byService(metricTable.callWait, ({ labels, waits }) =>
      waits === undefined ? [] : [[labels, waits]],
    ),
    byService(metricTable.streamMessages, ({ labels, messagesIn, messagesOut }) =>
      messagesIn + messagesOut === 0 ? [] : bothDirections(labels, messagesIn, messagesOut),
    ),
    byService(metricTable.callBytes, ({ labels, bytesIn, bytesOut }) =>
      bothDirections(labels, bytesIn, bytesOut),
    ),
    byService(metricTable.instanceStarts, ({ labels, starts }) =>
      [...(starts?.counts ?? [])].map(([of, count]): Sample => [`${labels},${of}`, count]),
    ),
    byService(metricTable.instanceStart, ({ labels, starts }) =>
      starts === undefined
        ? []
        : startPhases.map((phase): Sample => [`${labels},phase="${phase}"`, starts.phases[phase]]),
    ),
    byService(metricTable.instanceExits, ({ labels, exits }) =>
      [...exits].map(([reason, count]): Sample => [`${labels},reason="${reason}"`, count]),
    ),
    byService(metricTable.resourceOpens, ({ labels, resourceOpens }) =>
      resourceOpens === 0 ? [] : [[labels, resourceOpens]],
    ),
    byService(metricTable.logBytes, ({ labels, logBytes }) =>
      logBytes === 0 ? [] : [[labels, logBytes]],
    ),
    byService(metricTable.logDroppedBytes, ({ labels, logDroppedBytes }) =>
      logDroppedBytes === 0 ? [] : [[labels, logDroppedBytes]],
    ),
    byService(metricTable.spansDropped, ({ labels, spansDropped }) =>
      spansDropped === 0 ? [] : [[labels, spansDropped]],
    ),
  ];
}

/** Good and failed calls from the first call on, so that their rates begin at zero; others once there are any. */
function* outcomeSamples({ labels, calls }: MethodMeter): Generator<Sample> {
  for (const name of outcomeNames) {
    const count = calls[outcomes[name]] ?? 0;
    if (count > 0 || name === "ok" || name === "error") {
      yield [`${labels},outcome="${name}"`, count];
    }
  }
}

function bothDirections(labels: string, into: number, out: number): Sample[] {
  return [
    [`${labels},direction="in"`, into],
    [`${labels},direction="out"`, out],
  ];
}
