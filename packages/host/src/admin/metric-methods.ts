import type { Metric } from "../metrics/text-format.ts";
import { writeMetrics } from "../metrics/text-format.ts";
import { type Argument, flag, optionalEnvironment } from "./arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import {
  environmentMetrics,
  hostMetrics,
  type MetricSources,
  routesOf,
  singleInstanceMetrics,
} from "./host-metrics.ts";
import { mergeMetrics } from "./merge-metrics.ts";
import { adminStream, type Methods } from "./method-table.ts";

export type MetricParts = MetricSources;

interface MetricOptions {
  readonly isOpenMetrics: boolean;
  /** With metrics of each instance. */
  readonly hasInstances: boolean;
}

const metricOptions: Argument<MetricOptions> = {
  name: "{openMetrics?, instances?}",
  read: (value) => ({
    isOpenMetrics: flag("openMetrics").read(value),
    hasInstances: flag("instances").read(value),
  }),
};

/** Methods that show what the host has counted. */
export const metricMethods: Methods<MetricParts, "metricsChan"> = {
  metricsChan: adminStream(
    {
      right: "look",
      isChange: false,
      arguments: [optionalEnvironment, metricOptions],
      does: "Sends the metrics of an environment, or of the whole host, as text for Prometheus.",
      mergeStreams: mergeMetrics,
    },
    async (parts, stream, environment, { isOpenMetrics, hasInstances }) => {
      const metrics = await metricsOf(parts, environment, hasInstances);
      for (const text of writeMetrics(metrics, isOpenMetrics ? "openMetrics" : "prometheus")) {
        if (text !== "" && !stream.write(Buffer.from(text))) await stream.drained();
        if (stream.destroyed) return;
        // Calls go on between two slices.
        await new Promise(setImmediate);
      }
    },
  ),
};

async function metricsOf(
  parts: MetricParts,
  environment: string | undefined,
  hasInstances: boolean,
): Promise<readonly Metric[]> {
  const routes =
    environment === undefined
      ? routesOf(parts.router)
      : [...findEnvironment(parts.router, environment).services.values()];
  const metrics =
    environment === undefined
      ? await hostMetrics(parts)
      : environmentMetrics(parts, environment, routes);
  return hasInstances ? [...metrics, ...singleInstanceMetrics(parts, routes)] : metrics;
}
