/**
 * Each limit of a host: its default, and a sentence that says what it bounds. Units are in the names. Every limit can be set
 * when a host starts (`lever up --limit name=value`).
 */
const table = {
  // 4 MiB.
  bodyBytesMax: [4_194_304, "Bytes of one request body, reply or stream message."],
  // 512 MiB.
  bufferedBodyBytesMax: [
    536_870_912,
    "Bytes of all bodies and messages of callers from outside that a host holds at once, as far as they have arrived. Those of up to 16 KiB each do not count.",
  ],
  // 256 MiB.
  bufferedReplyBytesMax: [
    268_435_456,
    "Bytes of all large replies that a host holds for callers that have not read them.",
  ],
  unreadTimeoutMs: [
    60_000,
    "Time without taking anything of a reply after which a caller's connection is closed.",
  ],
  // 16 KiB.
  headerBytesMax: [16_384, "Bytes of the headers of one HTTP request."],
  headersTimeoutMs: [10_000, "Time for a client to send its headers."],
  requestTimeoutMs: [60_000, "Time for a client to send the whole request of a regular call."],
  idleConnectionTimeoutMs: [75_000, "Time that an idle HTTP connection stays open."],
  pingIntervalMs: [
    30_000,
    "Time without traffic after which Lever checks that the peer of a connection is there: by TCP keepalive, and on open streams by pings, or comments among server-sent events.",
  ],
  connectionsMax: [
    10_000,
    "Connections at once. A further one takes the place of an idle one, or is refused.",
  ],
  callTimeoutMs: [60_000, "Deadline of a regular call that does not set one."],
  callTimeoutMaxMs: [86_400_000, "Longest deadline that a call may set."],
  callsPerInstanceMax: [1_000, "Calls in flight on one instance."],
  callDepthMax: [
    32,
    "Calls nested in each other: a call, one that is made in its course, one that is made in the course of that, and so on.",
  ],
  queuedCallsPerServiceMax: [1_000, "Calls of one service that wait for an instance."],
  // 64 MiB.
  queuedBytesPerServiceMax: [67_108_864, "Bytes of one service's calls that wait for an instance."],
  queuedCallsPerEnvironmentMax: [5_000, "Calls of one environment that wait for an instance."],
  // 256 MiB.
  queuedBytesPerEnvironmentMax: [
    268_435_456,
    "Bytes of one environment's calls that wait for an instance.",
  ],
  queueWaitTargetMs: [
    250,
    "Wait for an instance, at most, that does not count as overload of a service that cannot get more instances.",
  ],
  queueStandingMs: [
    250,
    "Time that every call must have waited longer than `queueWaitTargetMs` before such a service refuses calls.",
  ],
  resourcesPerServiceMax: [100_000, "Resources of one service, open or with waiting calls."],
  resourceIdleTimeoutMs: [180_000, "Time without use after which a resource is closed."],
  resourceHookTimeoutMs: [10_000, "Time for `newResource` or `closeResource`."],
  startTimeoutMs: [30_000, "Time for an instance to load its service."],
  drainTimeoutMs: [10_000, "Time between TERM and KILL for an instance that stops."],
  unresponsiveAfterMs: [
    400,
    "Time without an answer from its process after which an instance gets no more calls.",
  ],
  unresponsiveKillAfterMs: [
    30_000,
    "Time without an answer from its process after which an instance is killed.",
  ],
  idleTimeoutMs: [300_000, "Time without calls after which a service's last instance stops."],
  scaleDownAfterMs: [
    45_000,
    "Time that a service must have needed fewer instances before one stops.",
  ],
  instancesPerServiceMax: [
    20,
    "Instances of a service whose lever.json does not set `maxInstances`.",
  ],
  instancesRamMbMax: [
    0,
    "Megabytes of memory for all instances together; 0 is 80 % of the machine's memory.",
  ],
  warmRuntimesMax: [8, "Processes kept ready for cold starts; 0 keeps none."],
  deployDrainTimeoutMs: [
    300_000,
    "Time that streams may stay open on instances of a version that is no longer live.",
  ],
  // 30 MiB.
  archiveBytesMax: [31_457_280, "Bytes of a deployed archive, compressed."],
  // 512 MiB.
  unpackedBytesMax: [536_870_912, "Bytes of a deployed archive, unpacked."],
  uploadSilenceTimeoutMs: [
    30_000,
    "Time without a byte after which the upload of an archive is ended.",
  ],
  uploadTimeoutMs: [900_000, "Time for the upload of an archive."],
  archiveEntriesMax: [50_000, "Entries of a deployed archive, and the folders that hold them."],
  variablesPerServiceMax: [1_000, "Variables and secrets that one service sees."],
  // 1 MiB. The kernel gives a program at most 2 MiB for its arguments and variables (execve(2)).
  variableBytesPerServiceMax: [
    1_048_576,
    "Bytes of all variables and secrets that one service sees, with their names.",
  ],
  transformTimeoutMs: [60_000, "Time to make JavaScript of the TypeScript of a deployed archive."],
  transformRamMb: [
    512,
    "Megabytes of memory of the process that makes JavaScript of a deployed archive's TypeScript.",
  ],
  concurrentDeploysMax: [
    4,
    "Deploys that unpack and start a version at once; uploads do not count.",
  ],
  versionsKeptMax: [10, "Versions kept of each service."],
  // 64 KiB.
  loggedBytesPerSecondMax: [65_536, "Bytes per second of one instance's output that are logged."],
  callsRememberedMax: [
    65_536,
    "Calls that the host remembers after their end; 0 remembers none, and keeps no traces.",
  ],
  // 16 MiB.
  keptCallsBytesMax: [
    16_777_216,
    "Bytes on disk of the traces of calls that failed, waited, were slow or sampled; 0 keeps none.",
  ],
  traceSampledEach: [
    1_000,
    "One call in so many is sampled; 0 samples only those that ask for it.",
  ],
  traceSampledPerSecondMax: [
    100,
    "Calls per second that are sampled because their `traceparent` says so; with gateway workers, each takes its part.",
  ],
  spansPerCallMax: [128, "Spans that a service may record in the course of one call; 0 = none."],
  // 16 KiB.
  spanBytesPerCallMax: [
    16_384,
    "Bytes of the spans that a service records in the course of one call.",
  ],
  metricSeriesMax: [
    2_000,
    "Services, and methods, with metrics of their own. Others are counted together as `_other`; 0 counts no calls.",
  ],
  // 16 KiB.
  logRecordBytesMax: [16_384, "Bytes of one record of a log. The rest of a longer one is cut off."],
  // 16 MiB.
  logBytesPerServiceMax: [16_777_216, "Bytes of the logs of one service."],
  // 1 GiB.
  logBytesMax: [1_073_741_824, "Bytes of the logs of all services."],
  // A week.
  logAgeMaxMs: [604_800_000, "Time after which logs are removed."],
  // 2 MiB.
  logBytesPerSecondMax: [2_097_152, "Bytes per second of the logs of all services."],
  networkBytesPerSecondPerMb: [
    8_000_000,
    "Bytes per second in each direction that an instance may transfer for each megabyte of its `ram`: in calls, and, in a container, over its own network.",
  ],
  // 1 GiB.
  serviceDataBytesMax: [
    1_073_741_824,
    "Bytes of the disk with a service's own data, in containers.",
  ],
} as const;

export type LimitName = keyof typeof table;
export type Limits = Readonly<Record<LimitName, number>>;

/** The limits that a deployed archive must keep. */
export type ArchiveLimits = Pick<
  Limits,
  "archiveBytesMax" | "unpackedBytesMax" | "archiveEntriesMax"
>;

export const limitNames: readonly LimitName[] = Object.keys(table) as LimitName[];

/** Every limit at its default. */
export const defaultLimits: Limits = Object.fromEntries(
  limitNames.map((name) => [name, table[name][0]]),
) as Limits;

/** A sentence that says what a limit bounds. */
export function aboutLimit(name: LimitName): string {
  return table[name][1];
}

/** Parses `name=value`. Returns the error's text when it cannot. */
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
