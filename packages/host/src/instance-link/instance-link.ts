import { availableParallelism } from "node:os";
import type { Duplex } from "node:stream";
import {
  type Assignment,
  attachLink,
  type CallListener,
  type CallRequest,
  type CallTarget,
  LeverError,
  LINK_VERSION,
  type LinkedSide,
  type OpenCalls,
  type RecordedSpans,
  type RuntimeMessage,
  type SharedMemory,
} from "@leveros/protocol";
import { RateBucket } from "./rate-bucket.ts";

export interface InstanceLinkHandlers {
  /** Called for each call that the instance makes, with the calls that it has. */
  onCall(request: CallRequest, side: LinkedSide, openCalls: OpenCalls): CallListener;
  /** The process has started. */
  onStarted(): void;
  onReady(methods: readonly string[]): void;
  /** The unfinished step of its start. */
  onWaiting(reason: string): void;
  onFailed(reason: string): void;
  onStopping(): void;
  /** Its service has recorded spans. Nothing has checked more than their size. */
  onSpans(recorded: RecordedSpans): void;
  /** Most bytes of the spans of a call. */
  readonly spanBytesMax: number;
  /** The link is closed. Close this end with the error that its open calls must end with. */
  onLost(reason: Error | undefined): void;
  readonly messageBytesMax: number;
  /** Most calls of the instance that may be open at once. */
  readonly callsMax: number;
  /** Memory shared with the instance. Default: none. */
  readonly shared?: SharedMemory | undefined;
  /** Most bytes that may pass in each direction. */
  readonly bytesPerSecond: number;
  /** Counts the bytes that pass. Default: they are not counted. */
  readonly passed?: LinkBytes | undefined;
  /** Milliseconds of the host's clock. */
  now(): number;
}

/** Bytes to instances and from them, on sockets and in shared memory. */
export interface LinkBytes {
  socketIn: number;
  socketOut: number;
  sharedIn: number;
  sharedOut: number;
}

type TransformRequest = Omit<
  Extract<RuntimeMessage, { type: "transform" }>,
  "type" | "linkVersion"
>;

/** The host's end of the link to one instance. */
export interface RuntimeLink extends CallTarget {
  assign(assignment: Assignment): void;
  /** The listeners of the calls that the instance has. */
  openCalls(): readonly CallListener[];
  /** In a cluster: the boot time at which the instance may own no resources any more, in ms; undefined = it owns none. */
  setOwnersEnd(atMs: number | undefined): void;
  /** Sends the instance the promise that no call follows. */
  stop(): void;
  /** Calls back when the instance's event loop has answered. */
  ping(onPong: () => void): void;
  /** Changes with each call that the instance is given. */
  readonly lastCall: number;
  /** Changes with everything that the instance sends. */
  readonly framesReceived: number;
  /** The link is paused to keep its rate, so a pong may come late. */
  readonly isHeldBack: boolean;
  /** Ends every open call with this error, if it was not unread (`Link.disconnected`). */
  close(error: LeverError): void;
}

/** The link to a runtime that may become either an instance or a transform. */
export interface TransformLink extends RuntimeLink {
  /** Instead of `assign`: the runtime then answers one call with the transformed sources of the folder. */
  transform(request: TransformRequest): void;
}

/** Links a runtime over its socket. Every message of the instance is checked: it may send anything. */
export function linkInstance(socket: Duplex, handlers: InstanceLinkHandlers): TransformLink {
  const send = (message: RuntimeMessage): void => link.control(message);
  const { passed } = handlers;
  const now = (): number => handlers.now();
  const outward = new RateBucket(handlers.bytesPerSecond, now());
  const inward = new RateBucket(handlers.bytesPerSecond, now());
  let heldUntil = 0;
  const take = (bucket: RateBucket, bytes: number): number => {
    const at = now();
    const waitMs = bucket.take(bytes, at);
    if (waitMs > 0) heldUntil = Math.max(heldUntil, at + waitMs);
    return waitMs;
  };
  const link = attachLink(socket, {
    side: "listener",
    busyWaits: HAS_PROCESSORS,
    shared: handlers.shared,
    messageBytesMax: handlers.messageBytesMax,
    callsMax: handlers.callsMax,
    onCall: (request, side) => handlers.onCall(request, side, link),
    onControl(message) {
      const parsed = parseFromRuntime(message, handlers.spanBytesMax);
      if (parsed.type === "started") handlers.onStarted();
      else if (parsed.type === "ready") handlers.onReady(parsed.methods);
      else if (parsed.type === "waiting") handlers.onWaiting(parsed.reason);
      else if (parsed.type === "failed") handlers.onFailed(parsed.reason);
      else if (parsed.type === "spans") handlers.onSpans(parsed);
      else handlers.onStopping();
    },
    isReset: (error) => "code" in error && RESETS.has(error.code),
    onClose: (reason) => handlers.onLost(reason),
    pace: {
      sent(bytes, sharedBytes) {
        if (passed !== undefined) {
          passed.socketIn += bytes;
          passed.sharedIn += sharedBytes;
        }
        return take(outward, bytes + sharedBytes);
      },
      received(bytes, sharedBytes) {
        if (passed !== undefined) {
          passed.socketOut += bytes;
          passed.sharedOut += sharedBytes;
        }
        return take(inward, bytes + sharedBytes);
      },
    },
  });
  return {
    open: (request, listener, hasMore) => link.open(request, listener, hasMore),
    assign: (assignment) => send({ type: "assign", linkVersion: LINK_VERSION, assignment }),
    transform: (request) => send({ type: "transform", linkVersion: LINK_VERSION, ...request }),
    openCalls: () => link.listeners(),
    setOwnersEnd: (atMs) => send({ type: "ownersEnd", atMs: atMs ?? null }),
    stop() {
      send({ type: "stop" });
      link.flush();
    },
    ping: (onPong) => link.ping(onPong),
    get lastCall() {
      return link.lastCall;
    },
    get framesReceived() {
      return link.framesReceived;
    },
    get isHeldBack() {
      // A ping that was sent during the pause gets time for its pong.
      return now() < heldUntil + HELD_GRACE_MS;
    },
    close: (error) => link.close(error),
  };
}

/** How a socket pair ends whose other end was closed before all was read (unix(7)). */
const RESETS = new Set<unknown>(["ECONNRESET", "EPIPE"]);
/** On a machine with one processor, busy-waiting would keep the awaited process from running. */
const HAS_PROCESSORS = availableParallelism() > 1;
/** Time for a socket to send what it has buffered once the rate allows it. */
const HELD_GRACE_MS = 200;
/** Most methods, and the longest name, that an instance may report. */
const METHODS_MAX = 10_000;
const METHOD_NAME_MAX = 1_000;
/** Most characters of an unfinished step, and of the reason of a failed start, that the host keeps. */
const STEP_MAX = 2_000;
const FAILURE_MAX = 8_000;

type FromRuntime = Extract<
  RuntimeMessage,
  { type: "started" | "waiting" | "ready" | "failed" | "stopping" | "spans" }
>;

/** @throws LeverError for a message that no runtime sends. The link is then closed. */
function parseFromRuntime(message: unknown, spanBytesMax: number): FromRuntime {
  if (typeof message === "object" && message !== null && "type" in message) {
    if (message.type === "spans") {
      const { call, spans, count, dropped } = message as Readonly<Record<string, unknown>>;
      const isInBounds = typeof spans === "string" && Buffer.byteLength(spans) <= spanBytesMax;
      if (isInBounds && isCount(call) && isCount(count) && isCount(dropped)) {
        return { type: "spans", call, spans, count, dropped };
      }
    }
    if (message.type === "started" || message.type === "stopping") return { type: message.type };
    if (message.type === "waiting" && "reason" in message && typeof message.reason === "string") {
      return { type: "waiting", reason: message.reason.slice(0, STEP_MAX) };
    }
    if (message.type === "failed" && "reason" in message && typeof message.reason === "string") {
      return { type: "failed", reason: message.reason.slice(0, FAILURE_MAX) };
    }
    if (message.type === "ready" && "methods" in message && Array.isArray(message.methods)) {
      const methods: unknown[] = message.methods;
      if (methods.length <= METHODS_MAX && methods.every(isMethodName)) {
        return { type: "ready", methods };
      }
    }
  }
  throw new LeverError(
    "instance_failed",
    "Cannot read a control message of the instance: it is none that a runtime sends.",
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isMethodName(name: unknown): name is string {
  return typeof name === "string" && name !== "" && name.length <= METHOD_NAME_MAX;
}
