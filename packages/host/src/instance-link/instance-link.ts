import { availableParallelism } from "node:os";
import type { Duplex } from "node:stream";
import {
  type Assignment,
  attachLink,
  type CallListener,
  type CallRequest,
  type CallTarget,
  LeverError,
  type LinkedSide,
  type RuntimeMessage,
  type SharedMemory,
} from "@leveros/protocol";
import { RateBucket } from "./rate-bucket.ts";

export interface InstanceLinkHandlers {
  /** The instance calls a service. */
  onCall(request: CallRequest, side: LinkedSide): CallListener;
  /** Its process has started. */
  onStarted(): void;
  onReady(methods: readonly string[]): void;
  onFailed(reason: string): void;
  onStopping(): void;
  /** The link is gone; close it with the error that its open calls are to hear. */
  onLost(reason: Error | undefined): void;
  readonly messageBytesMax: number;
  /** Most calls that the instance may have open at once. */
  readonly callsMax: number;
  /** Memory that the instance has, too. Default: none. */
  readonly shared?: SharedMemory | undefined;
  /** Bytes that may go through each way. */
  readonly bytesPerSecond: number;
}

/** The host's end of the link to one instance. */
export interface RuntimeLink extends CallTarget {
  assign(assignment: Assignment): void;
  /** Promises the instance that no call follows. */
  stop(): void;
  /** Calls back when the instance's event loop has answered. */
  ping(onPong: () => void): void;
  /** It is held to its rate at this moment: what it has to say may take a while. */
  readonly isHeldBack: boolean;
  /** Every open call hears this error. */
  close(error: LeverError): void;
}

/** Links a runtime by its socket. Whatever the instance says on it is parsed, and trusted with nothing. */
export function linkInstance(socket: Duplex, handlers: InstanceLinkHandlers): RuntimeLink {
  const send = (message: RuntimeMessage): void => link.control(message);
  const now = (): number => performance.now();
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
    side: "host",
    busyWaits: HAS_PROCESSORS,
    shared: handlers.shared,
    messageBytesMax: handlers.messageBytesMax,
    callsMax: handlers.callsMax,
    onCall: (request, side) => handlers.onCall(request, side),
    onControl(message) {
      const parsed = parseFromRuntime(message);
      if (parsed.type === "started") handlers.onStarted();
      else if (parsed.type === "ready") handlers.onReady(parsed.methods);
      else if (parsed.type === "failed") handlers.onFailed(parsed.reason);
      else handlers.onStopping();
    },
    onClose: (reason) => handlers.onLost(reason),
    pace: {
      sent: (bytes) => take(outward, bytes),
      received: (bytes) => take(inward, bytes),
    },
  });
  return {
    open: (request, listener, hasMore) => link.open(request, listener, hasMore),
    assign: (assignment) => send({ type: "assign", assignment }),
    stop() {
      send({ type: "stop" });
      link.flush();
    },
    ping: (onPong) => link.ping(onPong),
    get isHeldBack() {
      // A ping that was caught in between has a moment to come back.
      return now() < heldUntil + HELD_GRACE_MS;
    },
    close: (error) => link.close(error),
  };
}

/** Who waits awake on the only processor keeps those from it that are waited for. */
const HAS_PROCESSORS = availableParallelism() > 1;
/** What a socket holds leaves within this time once the rate allows it. */
const HELD_GRACE_MS = 200;
/** Most methods and longest name that an instance may report. */
const METHODS_MAX = 10_000;
const METHOD_NAME_MAX = 1_000;

type FromRuntime = Extract<RuntimeMessage, { type: "started" | "ready" | "failed" | "stopping" }>;

/** @throws Error for anything that a runtime does not say; the link is closed then. */
function parseFromRuntime(message: unknown): FromRuntime {
  if (typeof message === "object" && message !== null && "type" in message) {
    if (message.type === "started" || message.type === "stopping") return { type: message.type };
    if (message.type === "failed" && "reason" in message && typeof message.reason === "string") {
      return { type: "failed", reason: message.reason };
    }
    if (message.type === "ready" && "methods" in message && Array.isArray(message.methods)) {
      const methods: unknown[] = message.methods;
      if (methods.length <= METHODS_MAX && methods.every(isMethodName)) {
        return { type: "ready", methods };
      }
    }
  }
  throw new LeverError("instance_failed", "Cannot read a control message of the instance.");
}

function isMethodName(name: unknown): name is string {
  return typeof name === "string" && name !== "" && name.length <= METHOD_NAME_MAX;
}
