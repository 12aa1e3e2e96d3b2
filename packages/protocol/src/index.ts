export type { AuditEntry, CreatedToken, Right, TokenListing, Whoami } from "./access-messages.ts";
export { isRight, rights } from "./access-messages.ts";
export type {
  DeployProgress,
  DeployReport,
  EnvironmentListing,
  HostScaling,
  InstanceListing,
  InstanceState,
  LimitListing,
  PlacementDecision,
  PlacementReport,
  RemovalReport,
  RestartReport,
  RollbackReport,
  RouteListing,
  ScalingReason,
  ScalingRecord,
  ScalingReport,
  ServiceListing,
  ServiceRestart,
  SiteListing,
  StopReport,
  VariableListing,
  VersionListing,
} from "./admin-messages.ts";
export type { AdminMethods, AdminStreams } from "./admin-methods.ts";
export {
  type ArchiveFormat,
  type ArchiveTerms,
  archiveFormats,
  type DeployedVersion,
  KEPT_FILE_BYTES_MAX,
  type KeptFile,
  type KeptFiles,
} from "./archive-format.ts";
export { ArrivingBody, type BodyMemory } from "./arriving-body.ts";
export type { BackupReport } from "./backup-report.ts";
export {
  type Caller,
  type CallHandle,
  type CallListener,
  type CallRequest,
  type CallTarget,
  closedSide,
  type Declined,
  ignoredEvents,
  LOG_READER,
  type MessageKind,
  OUTSIDE,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  PAYLOAD_LINES,
  type PassedOn,
  type PassMark,
  type PayloadKind,
  type WaitTimes,
} from "./call.ts";
export type { CallContext } from "./call-context.ts";
export { callDeadline } from "./call-deadline.ts";
export { cancelled, endedWithoutReply, wrongMethodKind } from "./call-errors.ts";
export type { CallFilter, CallRecord, CallTrace } from "./call-messages.ts";
export { CALL_RUNS_MAX, callNumbersOf, formatCallId, parseCallId } from "./call-number.ts";
export type {
  ClusterStatus,
  HostChange,
  HostListing,
  HostMissing,
  HostsBehind,
  HostsOption,
  HostsReply,
  HostsReport,
  MissingHost,
} from "./cluster-messages.ts";
export type {
  ChangedFile,
  InstanceDetails,
  Overview,
  ResourceListing,
  ResourceQuery,
  ResourceWindow,
  ServiceDetails,
  ServiceOrder,
  ServiceQuery,
  ServiceRow,
  ServiceWindow,
  TrafficSeries,
  VersionChanges,
  VersionFile,
  WatchedMethod,
  WatchMessage,
  WatchRequest,
} from "./console-messages.ts";
export { DEFAULT_ENVIRONMENT, environmentOf, isLoopbackName } from "./default-environment.ts";
export { parseDurationMs } from "./duration.ts";
export { EarlyMessages } from "./early-messages.ts";
export { argumentsPayload, encodeJson, valuePayload } from "./encode-value.ts";
export { encodedOnce } from "./encoded-once.ts";
export {
  type ErrorCode,
  errorStatus,
  LeverError,
  type Problem,
  readSentError,
  type SentError,
} from "./errors.ts";
export type { FetchRequestHead, FetchResponseHead } from "./fetch-messages.ts";
export { hostLabel } from "./host-label.ts";
export type { HostStatus } from "./host-status.ts";
export { type HttpResource, parseHttpResource } from "./http-resource.ts";
export { isInnerPath } from "./inner-path.ts";
export type {
  InstanceStatus,
  InstancesHost,
  InstancesReport,
  StartTimes,
} from "./instance-messages.ts";
export { jsEntryCandidates, suggestJsEntry } from "./js-entry.ts";
export { JSON_DEPTH_MAX, jsonExcess } from "./json-excess.ts";
export { isJsonObject } from "./json-object.ts";
export {
  isFilesOnly,
  type LeverJsonOutcome,
  leverJsonSchema,
  parseLeverJson,
} from "./lever-json.ts";
export type { LeverJson } from "./lever-json-fields.ts";
export {
  environmentName,
  formatLeverUrl,
  type LeverUrl,
  parseLeverPath,
  parseLeverUrl,
  withoutPort,
} from "./lever-url.ts";
export {
  type ArchiveLimits,
  aboutLimit,
  defaultLimits,
  type LimitName,
  type Limits,
  limitNames,
  parseLimit,
} from "./limits.ts";
export { CallTable } from "./link/call-table.ts";
export { LINK_FD, LINK_MESSAGE_BYTES_MAX } from "./link/child-link.ts";
export { Link } from "./link/link.ts";
export type { LinkedSide, LinkOptions, OpenCalls } from "./link/link-options.ts";
export {
  isLinkUpgrade,
  LINK_UPGRADE,
  LINK_VERSION,
  refuseHostVersion,
  refuseLinkUpgrade,
} from "./link/link-version.ts";
export { memoryLink } from "./link/memory-link.ts";
export {
  inheritedMemory,
  type MemoryFile,
  memoryFile,
  SHARES_MEMORY,
  type SharedMemory,
} from "./link/shared-memory.ts";
export {
  attachLink,
  LINK_READ_BYTES,
  type LinkHandlers,
  type LinkSocket,
} from "./link/socket-link.ts";
export type {
  Dropped,
  EventFilter,
  HostEvent,
  LogFilter,
  LogMessage,
  LogPage,
  LogRecord,
} from "./log-messages.ts";
export {
  FETCH_METHOD,
  hookNamed,
  isCallableName,
  isReservedName,
  isStreamingName,
  PROFILE_METHOD,
  type ResourceHook,
  refuseMethodName,
} from "./method-name.ts";
export { type MethodSignature, methodSignature } from "./method-signature.ts";
export {
  type Destination,
  destinationsOf,
  forbiddenNetworks,
  isInsideNetwork,
  type NetworkPolicy,
  parseNetworkPolicy,
} from "./network-policy.ts";
export {
  FRAME_HEADER_BYTES_MAX,
  FRAME_START,
  FRAME_TEXT,
  type FrameHeader,
  formatFrame,
  isLogLevel,
  type LogLevel,
  logLevels,
  parseFrame,
  withoutHeaders,
} from "./output-frame.ts";
export { printable, printableLines } from "./printable.ts";
export { processMs } from "./process-clock.ts";
export { hookRequest } from "./resource-hook.ts";
export {
  type ActiveCall,
  type Assignment,
  type HttpProgram,
  INSTANCE_LINK,
  type InstanceLink,
  type PreloadedModule,
  type RecordedSpans,
  type RuntimeMessage,
} from "./runtime-messages.ts";
export { serviceKey } from "./service-key.ts";
export { SMALL_BODY_BYTES } from "./small-body.ts";
export { isSourcePath, WORKSPACE_FOLDER } from "./source-path.ts";
export type {
  SentSpan,
  SpanAttributes,
  SpanEvent,
  SpanLink,
  SpanRecord,
  SpanValue,
} from "./span-messages.ts";
export type {
  HostStats,
  MethodStats,
  ServiceStats,
  StatsPoint,
  StatsReport,
  TrafficStats,
} from "./stats-messages.ts";
export { formatTraceparent, type TraceContext, TraceIds } from "./trace-ids.ts";
export { parseTraceparent } from "./traceparent.ts";
export {
  decodeArguments,
  decodeText,
  decodeValue,
  encodeText,
  type Payload,
  plainPayload,
} from "./values.ts";
