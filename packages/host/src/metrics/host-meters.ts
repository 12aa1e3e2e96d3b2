import { Counts } from "./counts.ts";
import { ServiceMeters } from "./service-meters.ts";

/** Everything that a host counts. */
export class HostMeters {
  readonly services: ServiceMeters;
  /** Calls that were refused before their service was known, by the code of the error. */
  readonly refusals: Counts = new Counts();

  /** `metricSeriesMax` 0 = calls are not counted. */
  constructor({ metricSeriesMax }: { readonly metricSeriesMax: number }) {
    this.services = new ServiceMeters(metricSeriesMax);
  }
}
