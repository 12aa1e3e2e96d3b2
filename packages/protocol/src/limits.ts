export type LimitName =
  | "bodyBytesMax"
  | "bufferedBodyBytesMax"
  | "headerBytesMax"
  | "headersTimeoutMs"
  | "requestTimeoutMs"
  | "idleConnectionTimeoutMs"
  | "connectionsMax"
  | "callTimeoutMs"
  | "callTimeoutMaxMs"
  | "callsPerInstanceMax"
  | "queuedCallsPerServiceMax"
  | "queuedBytesPerServiceMax"
  | "queuedCallsPerEnvironmentMax"
  | "queuedBytesPerEnvironmentMax"
  | "queueStandingMs"
  | "resourcesPerServiceMax"
  | "resourceIdleTimeoutMs"
  | "resourceHookTimeoutMs"
  | "startTimeoutMs"
  | "drainTimeoutMs"
  | "unresponsiveAfterMs"
  | "unresponsiveKillAfterMs"
  | "idleTimeoutMs"
  | "scaleDownAfterMs"
  | "instancesPerServiceMax"
  | "instancesRamMbMax"
  | "warmRuntimesMax"
  | "deployDrainTimeoutMs"
  | "archiveBytesMax"
  | "unpackedBytesMax"
  | "archiveEntriesMax"
  | "concurrentDeploysMax"
  | "versionsKeptMax"
  | "loggedBytesPerSecondMax"
  | "networkBytesPerSecondPerMb"
  | "serviceDataBytesMax";

export type Limits = Readonly<Record<LimitName, number>>;

/**
 * What a host bounds: each limit's default, and what it says. Units are in the names; every limit can be set when a host
 * starts (`lever up --limit name=value`).
 */
const table: Readonly<Record<LimitName, readonly [value: number, about: string]>> = {
  bodyBytesMax: [4 * 1024 * 1024, "Bytes of one request body, reply or stream message."],
  bufferedBodyBytesMax: [
    512 * 1024 * 1024,
    "Bytes of the bodies of all regular calls over HTTP that are under way together, and of what callers' links hold.",
  ],
  headerBytesMax: [16 * 1024, "Bytes of the headers of one HTTP request."],
  headersTimeoutMs: [10_000, "Time for a client to send its headers."],
  requestTimeoutMs: [60_000, "Time for a client to send the whole request of a regular call."],
  idleConnectionTimeoutMs: [75_000, "Time an idle HTTP connection is kept."],
  connectionsMax: [10_000, "HTTP connections at once."],
  callTimeoutMs: [60_000, "Deadline of a regular call that asks for none."],
  callTimeoutMaxMs: [86_400_000, "Longest deadline that a call may ask for."],
  callsPerInstanceMax: [1_000, "Calls in flight on one instance."],
  queuedCallsPerServiceMax: [1_000, "Calls of one service that wait for an instance."],
  queuedBytesPerServiceMax: [
    64 * 1024 * 1024,
    "Bytes of one service's calls that wait for an instance.",
  ],
  queuedCallsPerEnvironmentMax: [5_000, "Calls of one environment that wait for an instance."],
  queuedBytesPerEnvironmentMax: [
    256 * 1024 * 1024,
    "Bytes of one environment's calls that wait for an instance.",
  ],
  queueStandingMs: [
    1_000,
    "Time for which calls have waited without a pause before a service that can have no more instances refuses further ones.",
  ],
  resourcesPerServiceMax: [100_000, "Resources of one service, in use or waited for."],
  resourceIdleTimeoutMs: [180_000, "Time without use after which a resource is closed."],
  resourceHookTimeoutMs: [10_000, "Time for `newResource` or `closeResource`."],
  startTimeoutMs: [30_000, "Time for an instance to load its service."],
  drainTimeoutMs: [10_000, "Time between TERM and KILL for an instance that stops."],
  unresponsiveAfterMs: [
    400,
    "Time without an answer of its process after which an instance gets no more calls.",
  ],
  unresponsiveKillAfterMs: [
    30_000,
    "Time without an answer of its process after which an instance is killed.",
  ],
  idleTimeoutMs: [300_000, "Time without calls after which a service's last instance stops."],
  scaleDownAfterMs: [
    45_000,
    "Time for which a service must have needed fewer instances before one stops.",
  ],
  instancesPerServiceMax: [20, "Instances of a service that does not say how many it may have."],
  instancesRamMbMax: [
    0,
    "Megabytes of memory that all instances together may be allotted; 0 is 80 % of the machine's.",
  ],
  warmRuntimesMax: [8, "Processes kept ready for cold starts; 0 keeps none."],
  deployDrainTimeoutMs: [
    300_000,
    "Time that streams may stay open on instances of a version that is no longer live.",
  ],
  archiveBytesMax: [30 * 1024 * 1024, "Bytes of a deployed archive, compressed."],
  unpackedBytesMax: [512 * 1024 * 1024, "Bytes of a deployed archive, unpacked."],
  archiveEntriesMax: [50_000, "Entries of a deployed archive."],
  concurrentDeploysMax: [4, "Deploys under way at once."],
  versionsKeptMax: [10, "Versions kept of each service."],
  loggedBytesPerSecondMax: [64 * 1024, "Bytes a second of one instance's output that are logged."],
  networkBytesPerSecondPerMb: [
    8_000_000,
    "Bytes a second, each way, that an instance may send and receive for each megabyte of its `ram`: in calls, and in a container by its own network.",
  ],
  serviceDataBytesMax: [
    1024 * 1024 * 1024,
    "Bytes of the disk with a service's own data, in containers.",
  ],
};

export const limitNames: readonly LimitName[] = Object.keys(table) as LimitName[];

/** Every limit at its default. */
export const defaultLimits: Limits = Object.fromEntries(
  limitNames.map((name) => [name, table[name][0]]),
) as Limits;

/** What a limit bounds, in a sentence. */
export function aboutLimit(name: LimitName): string {
  return table[name][1];
}

/** Parses `name=value`, or says in a sentence what is wrong with it. */
export function parseLimit(text: string): { name: LimitName; value: number } | string {
  const [, name = "", digits = ""] = /^([A-Za-z]+)=(\d{1,15})$/.exec(text) ?? [];
  if (digits === "") {
    return `Cannot set the limit "${text}": it is not of the form name=number.`;
  }
  if (!Object.hasOwn(defaultLimits, name)) {
    return `Cannot set the limit "${name}": there is no such limit. There are ${limitNames.join(", ")}.`;
  }
  return { name: name as LimitName, value: Number(digits) };
}
