/** What a host bounds. Units are in the names; every limit can be set when a host starts (`lever up --limit name=value`). */
export interface Limits {
  /** Bytes of one request body, reply or stream message. */
  readonly bodyBytesMax: number;
  /** Bytes of the headers of one HTTP request. */
  readonly headerBytesMax: number;
  /** Time for a client to send its headers. */
  readonly headersTimeoutMs: number;
  /** Time for a client to send the whole request of a regular call. */
  readonly requestTimeoutMs: number;
  /** Time an idle HTTP connection is kept. */
  readonly idleConnectionTimeoutMs: number;
  /** HTTP connections at once. */
  readonly connectionsMax: number;
  /** Deadline of a regular call that asks for none. */
  readonly callTimeoutMs: number;
  /** Longest deadline that a call may ask for. */
  readonly callTimeoutMaxMs: number;
  /** Calls in flight on one instance. */
  readonly callsPerInstanceMax: number;
  /** Calls of one service that wait for an instance. */
  readonly queuedCallsMax: number;
  /** Bytes of one service's calls that wait for an instance. */
  readonly queuedBytesMax: number;
  /** Resources of one service, in use or waited for. */
  readonly resourcesPerServiceMax: number;
  /** Time without use after which a resource is closed. */
  readonly resourceIdleTimeoutMs: number;
  /** Time for `newResource` or `closeResource`. */
  readonly resourceHookTimeoutMs: number;
  /** Time for an instance to load its service. */
  readonly startTimeoutMs: number;
  /** Time between TERM and KILL for an instance that stops. */
  readonly drainTimeoutMs: number;
  /** Time without calls after which a service's last instance stops. */
  readonly idleTimeoutMs: number;
  /** Time for which a service must have needed fewer instances before one stops. */
  readonly scaleDownAfterMs: number;
  /** Instances of a service that does not say how many it may have. */
  readonly instancesPerServiceMax: number;
  /** Time that streams may stay open on instances of a version that is no longer live. */
  readonly deployDrainTimeoutMs: number;
  /** Bytes of a deployed archive, compressed. */
  readonly archiveBytesMax: number;
  /** Bytes of a deployed archive, unpacked. */
  readonly unpackedBytesMax: number;
  /** Entries of a deployed archive. */
  readonly archiveEntriesMax: number;
  /** Deploys under way at once. */
  readonly deploysMax: number;
  /** Versions kept of each service. */
  readonly versionsKeptMax: number;
  /** Bytes a second of one instance's output that are logged. */
  readonly outputBytesPerSecondMax: number;
}

export type LimitName = keyof Limits;

/** Every limit at its default. */
export const defaultLimits: Limits = {
  bodyBytesMax: 4 * 1024 * 1024,
  headerBytesMax: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleConnectionTimeoutMs: 75_000,
  connectionsMax: 10_000,
  callTimeoutMs: 60_000,
  callTimeoutMaxMs: 86_400_000,
  callsPerInstanceMax: 1_000,
  queuedCallsMax: 1_000,
  queuedBytesMax: 64 * 1024 * 1024,
  resourcesPerServiceMax: 100_000,
  resourceIdleTimeoutMs: 180_000,
  resourceHookTimeoutMs: 10_000,
  startTimeoutMs: 30_000,
  drainTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  scaleDownAfterMs: 45_000,
  instancesPerServiceMax: 20,
  deployDrainTimeoutMs: 300_000,
  archiveBytesMax: 30 * 1024 * 1024,
  unpackedBytesMax: 512 * 1024 * 1024,
  archiveEntriesMax: 50_000,
  deploysMax: 4,
  versionsKeptMax: 10,
  outputBytesPerSecondMax: 64 * 1024,
};

/** Parses `name=value`, or says in a sentence what is wrong with it. */
export function parseLimit(text: string): { name: LimitName; value: number } | string {
  const [, name = "", digits = ""] = /^([A-Za-z]+)=(\d{1,15})$/.exec(text) ?? [];
  if (digits === "") {
    return `Cannot set the limit "${text}": it is not of the form name=number.`;
  }
  if (!Object.hasOwn(defaultLimits, name)) {
    return `Cannot set the limit "${name}": there is no such limit. There are ${Object.keys(defaultLimits).join(", ")}.`;
  }
  return { name: name as LimitName, value: Number(digits) };
}
