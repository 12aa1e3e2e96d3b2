/**
 * The program inside an instance. Started by a launcher with its link to the host as file descriptor 3, it waits for
 * an assignment, loads the service, and serves until it is told to drain or the link closes.
 */
// By name: all of them at once would cost each idle instance 0.1 MB.
import { ftruncateSync, readSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import {
  type ActiveCall,
  type Assignment,
  attachLink,
  type CallHandle,
  type CallListener,
  type CallOpening,
  INSTANCE_LINK,
  type InstanceLink,
  inheritedMemory,
  isCallableName,
  LINK_READ_BYTES,
  type RuntimeMessage,
  SHARES_MEMORY,
} from "@leveros/protocol";
import { CallServer } from "./call-server.ts";
import { dropPrivileges } from "./drop-privileges.ts";
import { describeLoadError, loadService, provideClient } from "./load-service.ts";
import { warmUp } from "./warm-up.ts";

const LINK_FD = 3;
/** Of the arguments of calls that reach this instance: the host has already held them to its own limit. */
const MESSAGE_BYTES_MAX = 256 * 1024 * 1024;
const CALLS_MAX = 100_000;
/** Exit status after a service could not be loaded. */
const EXIT_CANNOT_LOAD = 70;

/** What serves the calls: the service's functions, or its program. */
interface Server {
  readonly callsInFlight: number;
  onCall(opening: CallOpening, side: CallHandle): CallListener;
  activeCall?(): ActiveCall | undefined;
  failCurrent?(error: unknown): boolean;
  /** Gives every resource back. */
  closeResources(): Promise<void>;
  /** Ends what it has started. */
  close?(): Promise<void>;
}

let server: Server | undefined;
let isAssigned = false;
let isStopping = false;
/** TERM has come, so that the service has heard it too. */
let hasReceivedSigterm = false;
let isExiting = false;

const socket = new Socket({
  fd: LINK_FD,
  readable: true,
  writable: true,
  // One buffer for all that is read: one for each read would be collected only in large collections.
  onread: {
    buffer: Buffer.alloc(LINK_READ_BYTES),
    callback: (bytes, buffer) => socket.emit("data", buffer.subarray(0, bytes)),
  },
});
const link = attachLink(socket, {
  side: "instance",
  isBorrowed: true,
  shared: inheritedMemory({ ftruncateSync, readSync, writeSync }),
  messageBytesMax: MESSAGE_BYTES_MAX,
  callsMax: CALLS_MAX,
  onCall: (opening, side) => {
    if (server !== undefined) return server.onCall(opening, side);
    throw new Error("Cannot take a call: the service is not loaded.");
  },
  onControl: (message) => {
    const control = message as RuntimeMessage;
    if (control.type === "assign") void applyAssignment(control.assignment);
    if (control.type === "stop") stop();
  },
  // Without its host an instance is of no use to anyone.
  onClose: () => process.exit(0),
});

// They were for this process alone (launcher/node-flags.ts and processes/shared-files.ts in the host).
for (const name of Object.keys(process.env)) {
  if (name.startsWith("MALLOC_") || name === SHARES_MEMORY) delete process.env[name];
}
provideClient();
setImmediate(async () => {
  // Of one that nobody waits for yet. A rehearsal that fails is no reason not to try the real thing.
  if (!isAssigned) await warmUp().catch(() => {});
  send({ type: "started" });
});

process.on("SIGTERM", () => {
  hasReceivedSigterm = true;
  if (isStopping) exitWhenIdle();
  else send({ type: "stopping" });
});
process.on("SIGINT", () => {
  // Ctrl-C in a terminal goes to the host, which stops its instances in order.
});
process.on("uncaughtException", reportUncaughtError);
process.on("unhandledRejection", reportUncaughtError);

async function applyAssignment(assignment: Assignment): Promise<void> {
  isAssigned = true;
  const { codeDir, environment } = assignment;
  try {
    dropPrivileges(assignment.user, { isNeeded: process.argv.includes("--own-user") });
    Object.assign(process.env, assignment.variables);
    process.chdir(codeDir);
    const instanceLink: InstanceLink = {
      protocol: 1,
      environment,
      callee: link,
      activeCall: () => server?.activeCall?.(),
    };
    Object.defineProperty(globalThis, INSTANCE_LINK, { value: instanceLink });
    const onIdle = (): void => {
      if (isStopping) exitWhenIdle();
    };
    const { jsEntry, entry } = assignment;
    if (entry !== undefined) {
      // Only services that need it load what speaks gRPC.
      // Node passes its own fence on to what it starts; a program of another kind, or version, may not even know it.
      process.execArgv = [];
      const { startEntry } = await import("./entry/entry-server.ts");
      server = await startEntry(entry, { assignment, link, onIdle });
      send({ type: "ready", methods: [] });
      return;
    }
    const methods = await loadService(codeDir, jsEntry ?? "");
    const replyBytesMax = assignment.bodyBytesMax;
    server = new CallServer(methods, { replyBytesMax, self: assignment, onIdle });
    send({ type: "ready", methods: [...methods.keys()].filter(isCallableName).sort() });
  } catch (error) {
    const what =
      assignment.entry === undefined ? "Its module cannot be loaded" : "Its entry failed";
    send({ type: "failed", reason: `${what}: ${describeLoadError(error, codeDir)}` });
    link.flush();
    socket.end(() => process.exit(EXIT_CANNOT_LOAD));
  }
}

function stop(): void {
  isStopping = true;
  exitWhenIdle();
}

/** The promise that no call follows, and TERM, come in either order. */
function exitWhenIdle(): void {
  if (hasReceivedSigterm && (server === undefined || server.callsInFlight === 0)) exit();
}

/** The last reply is still on its way through the socket: it goes out before the process ends. */
function exit(): void {
  if (isExiting) return;
  isExiting = true;
  setImmediate(async () => {
    await server?.closeResources();
    await server?.close?.();
    link.flush();
    socket.end(() => process.exit(0));
  });
}

function reportUncaughtError(error: unknown): void {
  if (server?.failCurrent?.(error) === true) return;
  console.error("Uncaught in the service, in the course of no call:", error);
}

function send(message: RuntimeMessage): void {
  link.control(message);
}
