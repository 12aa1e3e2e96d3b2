/** The replies of the admin service about calls and what they take, as JSON. */

/** Calls within the last 30 to 60 seconds. */
export interface TrafficStats {
  readonly callsPerSecond: number;
  /** Calls that did not end well, apart from those whose caller has left. */
  readonly errorsPerSecond: number;
  /** Percentiles of the durations of regular calls; of streams, where there are only those. null = there were no calls. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

export interface MethodStats extends TrafficStats {
  /** `_other` and `_otherChan` stand for methods that are counted together. */
  readonly method: string;
  /** Since the host started. */
  readonly calls: number;
  readonly errors: number;
}

/** A minute, or several of them together. */
export interface StatsPoint {
  /** Its end, ISO 8601. */
  readonly at: string;
  readonly calls: number;
  readonly errors: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** At its end; of several minutes the most, as also the three that follow. */
  readonly callsWaiting: number;
  readonly instances: number;
  readonly memoryBytes: number;
  /** Processors in use, on average. */
  readonly cpu: number;
}

export interface ServiceStats extends TrafficStats {
  /** `_other` stands for services that are counted together. */
  readonly service: string;
  readonly callsInFlight: number;
  readonly streamsOpen: number;
  readonly callsWaiting: number;
  readonly instances: number;
  readonly memoryBytes: number;
  /** Processor time of its instances since the host started. */
  readonly cpuSeconds: number;
  /** Empty in the list of all services. */
  readonly methods: readonly MethodStats[];
  /** Oldest first. Minutes without calls and instances are absent. */
  readonly history: readonly StatsPoint[];
}

/** The reply of `listStats`. */
export interface StatsReport {
  /** ISO 8601. */
  readonly at: string;
  /** The time that the rates are of. */
  readonly windowMs: number;
  /** Services with calls or instances, now or in the history. */
  readonly services: readonly ServiceStats[];
}

/** The reply of `hostStats`. */
export interface HostStats extends TrafficStats {
  /** ISO 8601. */
  readonly at: string;
  readonly windowMs: number;
  /** Resident memory of the host's own process. */
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
  readonly history: readonly StatsPoint[];
}
