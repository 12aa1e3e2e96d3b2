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

  /** Times that instances took to answer pings. */
  readonly pings: Histogram = new Histogram();
  /** Bytes on the links to instances. */
  readonly linkBytes = { socketIn: 0, socketOut: 0, sharedIn: 0, sharedOut: 0 };

  /** Workers that have ended and were not stopped. */
  workerExits = 0;

  /** When the window of recent calls began, and when its second part did. */
  #marks: readonly [before: number, last: number];

  /** `metricSeriesMax` 0 = calls are not counted. `now`: by the host's clock. */
  constructor({ metricSeriesMax }: { readonly metricSeriesMax: number }, now: number) {
    this.services = new ServiceMeters(metricSeriesMax);
    this.#marks = [now, now];
  }

  /** The window of recent calls was moved on, for each service. */
  mark(now: number): void {
    this.#marks = [this.#marks[1], now];
    this.services.freePlaces(now);
  }

  /** The length of the window of recent calls. */
  windowMs(now: number): number {
    return Math.max(1, now - this.#marks[0]);
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
