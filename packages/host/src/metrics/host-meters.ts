import { Counts } from "./counts.ts";
import { Histogram } from "./histogram.ts";
import { labelsText } from "./labels.ts";
import { ServiceMeters } from "./service-meters.ts";

export const deployPhases = ["upload", "wait", "unpack", "transform", "start"] as const;
type DeployPhase = (typeof deployPhases)[number];

/** Everything that a host counts, apart from its gateways. */
export class HostMeters {
  readonly services: ServiceMeters;
  /** Calls that were refused before their service was known, by the code of the error. */
  readonly refusals: Counts = new Counts();
  /** By `environment` and `result`, as labels. */
  readonly deploys: Counts = new Counts();
  readonly deployPhases: Readonly<Record<DeployPhase, Histogram>> = {
    upload: new Histogram(),
    wait: new Histogram(),
    unpack: new Histogram(),
    transform: new Histogram(),
    start: new Histogram(),
  };

  /** Workers that have ended and were not stopped. */
  workerExits = 0;

  /** `metricSeriesMax` 0 = calls are not counted. */
  constructor({ metricSeriesMax }: { readonly metricSeriesMax: number }) {
    this.services = new ServiceMeters(metricSeriesMax);
  }

  /** A deploy has ended well, after so many milliseconds in each phase that it had. */
  deployed(environment: string, times: Readonly<Record<DeployPhase, number | undefined>>): void {
    this.deploys.add(labelsText({ environment, result: "live" }));
    for (const phase of deployPhases) {
      const ms = times[phase];
      if (ms !== undefined) this.deployPhases[phase].observe(ms);
    }
  }

  deployFailed(environment: string): void {
    this.deploys.add(labelsText({ environment, result: "failed" }));
  }
}
