import type { Metric } from "../metrics/text-format.ts";
import { writeMetrics } from "../metrics/text-format.ts";
import { flag, optionalEnvironment } from "./arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import { environmentMetrics, hostMetrics, type MetricSources } from "./host-metrics.ts";
import { adminStream, type Methods } from "./method-table.ts";

export type MetricParts = MetricSources;

/** Methods that show what the host has counted. */
export const metricMethods: Methods<MetricParts, "metricsChan"> = {
  metricsChan: adminStream(
    {
      right: "look",
      isChange: false,
      arguments: [optionalEnvironment, flag("openMetrics")],
      does: "Sends the metrics of an environment, or of the whole host, as text for Prometheus.",
    },
    async (parts, stream, environment, isOpenMetrics) => {
      const metrics = await metricsOf(parts, environment);
      for (const text of writeMetrics(metrics, isOpenMetrics ? "openMetrics" : "prometheus")) {
        if (!stream.write(Buffer.from(text))) await stream.drained();
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
): Promise<readonly Metric[]> {
  if (environment === undefined) return await hostMetrics(parts);
  const { services } = findEnvironment(parts.router, environment);
  return environmentMetrics(parts, environment, [...services.values()]);
}
