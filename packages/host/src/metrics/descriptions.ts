import type { Description } from "./text-format.ts";

/** The type, name, labels and meaning of each metric. */
const table = {
  calls: [
    "counter",
    "lever_calls_total",
    "environment service method outcome",
    "Calls that have ended, by how they ended.",
  ],
  callDuration: [
    "histogram",
    "lever_call_duration_seconds",
    "environment service method",
    "Time from the arrival of a regular call at the router to its end.",
  ],
  streamDuration: [
    "histogram",
    "lever_stream_duration_seconds",
    "environment service method",
    "Time from the arrival of a call of a streaming method to its end.",
  ],
  callWait: [
    "histogram",
    "lever_call_wait_seconds",
    "environment service",
    "Time that calls waited for an instance. Calls that got one at once are not in it.",
  ],
  streamMessages: [
    "counter",
    "lever_stream_messages_total",
    "environment service direction",
    "Messages of streams, in to the method and out of it.",
  ],
  callBytes: [
    "counter",
    "lever_call_bytes_total",
    "environment service direction",
    "Bytes of bodies, replies and messages.",
  ],
  callsInFlight: [
    "gauge",
    "lever_calls_in_flight",
    "environment service",
    "Regular calls on instances.",
  ],
  streamsOpen: ["gauge", "lever_streams_open", "environment service", "Open streams on instances."],
  callsWaiting: [
    "gauge",
    "lever_calls_waiting",
    "environment service",
    "Calls that wait for an instance.",
  ],
  callsWaitingBytes: [
    "gauge",
    "lever_calls_waiting_bytes",
    "environment service",
    "Bytes of the bodies of waiting calls.",
  ],
  refusals: [
    "counter",
    "lever_refusals_total",
    "code",
    "Calls that were refused before their service was known, by the code of the error.",
  ],
  instances: ["gauge", "lever_instances", "environment service state", "Instances by their state."],
  instancesWanted: [
    "gauge",
    "lever_instances_wanted",
    "environment service",
    "Instances that a service should have.",
  ],
  instanceStarts: [
    "counter",
    "lever_instance_starts_total",
    "environment service start result",
    "Starts of instances: from a process that was ready (warm) or not (cold), and their result.",
  ],
  instanceStart: [
    "histogram",
    "lever_instance_start_seconds",
    "environment service phase",
    "Duration of the phases of starts.",
  ],
  instanceExits: [
    "counter",
    "lever_instance_exits_total",
    "environment service reason",
    "Instances that have ended, by the reason.",
  ],
  serviceMemory: [
    "gauge",
    "lever_service_memory_bytes",
    "environment service",
    "Memory of a service's instances together.",
  ],
  serviceMemoryLimit: [
    "gauge",
    "lever_service_memory_limit_bytes",
    "environment service",
    "Memory that a service's instances together may use.",
  ],
  serviceCpu: [
    "counter",
    "lever_service_cpu_seconds_total",
    "environment service",
    "Processor time of a service's instances, with all that they started.",
  ],
  resources: [
    "gauge",
    "lever_resources",
    "environment service",
    "Resources that are open or wait.",
  ],
  resourceOpens: [
    "counter",
    "lever_resource_opens_total",
    "environment service",
    "How often an instance has become the owner of a resource.",
  ],
  spansDropped: [
    "counter",
    "lever_spans_dropped_total",
    "environment service",
    "Spans that were left out of traces, or not sent to the collector, because there were too many or it did not take them.",
  ],
  gatewayConnections: [
    "gauge",
    "lever_gateway_connections",
    "worker",
    "Open connections of callers.",
  ],
  gatewayRequests: [
    "counter",
    "lever_gateway_requests_total",
    "worker protocol",
    "Calls that came in from outside, refused ones too.",
  ],
  gatewayBodyBytes: [
    "gauge",
    "lever_gateway_body_bytes",
    "worker",
    "Bytes of request bodies that are held now.",
  ],
  workers: ["gauge", "lever_workers", "", "Processes that take connections; 1 = the host itself."],
  workerExits: [
    "counter",
    "lever_worker_exits_total",
    "",
    "Workers that have ended and were not stopped.",
  ],
  warmRuntimes: [
    "gauge",
    "lever_warm_runtimes",
    "",
    "Processes that are ready for the next instances.",
  ],
  warmRuntimesWanted: [
    "gauge",
    "lever_warm_runtimes_wanted",
    "",
    "Processes that should be ready.",
  ],
  ramAllotted: ["gauge", "lever_ram_allotted_bytes", "", "Memory that is reserved for instances."],
  ramMax: ["gauge", "lever_ram_max_bytes", "", "Memory that all instances together may reserve."],
  deploys: ["counter", "lever_deploys_total", "environment result", "Deploys by their result."],
  deploy: [
    "histogram",
    "lever_deploy_seconds",
    "phase",
    "Duration of the phases of successful deploys.",
  ],
  eventLoopBusy: [
    "gauge",
    "lever_event_loop_busy_ratio",
    "process",
    "Share of the time since the measurement before for which the thread of a process was busy.",
  ],
  buildInfo: ["gauge", "lever_build_info", "version node", "1; its labels are the versions."],
  processCpu: ["counter", "process_cpu_seconds_total", "", "Processor time of the host's process."],
  processMemory: [
    "gauge",
    "process_resident_memory_bytes",
    "",
    "Resident memory of the host's process.",
  ],
  processStart: [
    "gauge",
    "process_start_time_seconds",
    "",
    "When the host's process started, in seconds since 1970.",
  ],
  processFds: ["gauge", "process_open_fds", "", "Open file descriptors of the host's process."],
} as const;

/** Every metric of a host, in the order of docs/reference/metrics.md. */
export const metricTable = Object.fromEntries(
  Object.entries(table).map(([key, [type, name, labels, help]]): [string, Description] => [
    key,
    { name, type, help, labels: labels === "" ? [] : labels.split(" ") },
  ]),
) as Readonly<Record<keyof typeof table, Description>>;
