/**
 * The program inside an instance. The launcher starts it with the link to the host as file descriptor 3. It waits for an
 * assignment, loads the service, and serves calls until the host stops it or the link closes.
 */
// Named imports: importing all of node:fs would cost each idle instance 0.1 MB.
import { ftruncateSync, readSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { resolve } from "node:path";
import {
  type ActiveCall,
  type Assignment,
  attachLink,
  type CallHandle,
  type CallListener,
  type CallRequest,
  FETCH_METHOD,
  INSTANCE_LINK,
  type InstanceLink,
  inheritedMemory,
  isCallableName,
  LINK_FD,
  LINK_MESSAGE_BYTES_MAX,
  LINK_READ_BYTES,
  PROFILE_METHOD,
  type RuntimeMessage,
  refuseHostVersion,
  SHARES_MEMORY,
} from "@leveros/protocol";
import { CallServer, hasStreams } from "./call-server.ts";
import { dropPrivileges } from "./drop-privileges.ts";
import { encodeOfService } from "./encode-of-service.ts";
import { hideProgram } from "./hide-program.ts";
import { loadService, provideClient } from "./load-service.ts";
import { prepareModules } from "./modules/module-hooks.ts";
import { setUpOutput } from "./output/set-up-output.ts";
import { type OwnersEnd, ownersEndOfProcess } from "./owners-end.ts";
import type { RunningCall } from "./running-call.ts";
import { sendRest } from "./send-rest.ts";
import { serveProfile } from "./serve-profile.ts";
import type { SpanBounds } from "./spans/call-spans.ts";
import type { Spans } from "./spans/spans.ts";
import { setUpThread } from "./thread/set-up-thread.ts";
import { warmUp } from "./warm-up.ts";

const CALLS_MAX = 100_000;
type TransformMessage = Extract<RuntimeMessage, { type: "transform" }>;

/** Exit status when the service cannot be started. */
const EXIT_CANNOT_START = 70;

/** Serves the calls: by the service's functions, or by its program. */
interface Server {
  readonly callsInFlight: number;
  onCall(request: CallRequest, side: CallHandle): CallListener;
  activeCall?(): ActiveCall | undefined;
  failCurrent?(error: unknown): boolean;
  /** The call that the current code runs for, also after its answer. */
  currentCall?(): RunningCall | undefined;
  /** Closes every resource. */
  closeResources(): Promise<void>;
  /** No further call follows. */
  drain?(): void;
  /** Ends the processes that it has started. */
  close?(): Promise<void>;
}

/** For Lever itself, which needs no adapted modules. */
const { getBuiltinModule } = process;
const setupProgram = `${import.meta.dirname}/thread-setup.cjs`;
setUpThread(setupProgram);
/** The folder of the service's code; `""` = none yet. */
let codeDir = "";
const output = setUpOutput({
  callId: () => server?.currentCall?.()?.id ?? "",
  codeDir: () => codeDir,
});
// Forked programs inherit it. Here, `--require` itself would take 0.1 MB more.
process.execArgv.push(`--require=${setupProgram}`);

let server: Server | undefined;
/** undefined = the host is alone, or the instance has never owned a resource. */
let ownersEnd: OwnersEnd | undefined;
/** undefined = the service records no spans. */
let spans: Spans | undefined;
let spanBounds: SpanBounds = { spansMax: 0, spanBytesMax: 0 };
let isAssigned = false;
let isStopping = false;
/** SIGTERM has arrived, which the service can handle, too. */
let hasReceivedSigterm = false;
let isExiting = false;

const socket: Socket = new Socket({
  fd: LINK_FD,
  readable: true,
  writable: true,
  // One buffer for every read: separate ones would be freed only by major garbage collections.
  onread: {
    buffer: Buffer.alloc(LINK_READ_BYTES),
    callback: (bytes, buffer) => socket.emit("data", buffer.subarray(0, bytes)),
  },
});
const link = attachLink(socket, {
  side: "dialler",
  isBorrowed: true,
  isSystemSocket: true,
  shared: inheritedMemory({ ftruncateSync, readSync, writeSync }),
  messageBytesMax: LINK_MESSAGE_BYTES_MAX,
  callsMax: CALLS_MAX,
  onCall: (request, side) => {
    if (request.target.method === PROFILE_METHOD) return serveProfile(request, side);
    if (server === undefined) throw new Error("Cannot serve a call: the service is not loaded.");
    if (ownersEnd === undefined || request.target.resource === "") {
      return server.onCall(request, side);
    }
    return ownersEnd.serve(request, side, server);
  },
  onControl: (message) => {
    const control = message as RuntimeMessage;
    if (control.type === "assign") onAssign(control.linkVersion, control.assignment);
    if (control.type === "transform") void onTransform(control);
    if (control.type === "ownersEnd") {
      ownersEnd ??= ownersEndOfProcess(getBuiltinModule("node:os"));
      ownersEnd.set(control.atMs);
    }
    if (control.type === "stop") stop();
  },
  // An instance cannot work without its host.
  onClose: () => process.exit(0),
});

// The service must not inherit these variables (launcher/node-flags.ts and processes/shared-files.ts in the host).
for (const name of Object.keys(process.env)) {
  if (name.startsWith("MALLOC_") || name === SHARES_MEMORY) delete process.env[name];
}
provideClient(onSpanApi);
setImmediate(async () => {
  // Skipped when an assignment has arrived: calls may wait for it. An error here is ignored: a real load would report it.
  if (!isAssigned) await warmUp().catch(() => {});
  send({ type: "started" });
});

process.on("SIGTERM", () => {
  hasReceivedSigterm = true;
  if (isStopping) exitWhenIdle();
  else send({ type: "stopping" });
});
process.on("SIGINT", () => {
  // Ctrl-C in a terminal also reaches the host, which stops its instances in order.
});
process.on("uncaughtException", reportUncaughtError);
process.on("unhandledRejection", reportUncaughtError);

function onAssign(hostVersion: number, assignment: Assignment): void {
  isAssigned = true;
  const refusal = refuseHostVersion(hostVersion);
  if (refusal === undefined) void applyAssignment(assignment);
  else failToStart(refusal);
}

async function applyAssignment(assignment: Assignment): Promise<void> {
  codeDir = assignment.codeDir;
  spanBounds = assignment;
  try {
    dropPrivileges(assignment.user, { isNeeded: process.argv.includes("--own-user") });
    Object.assign(process.env, assignment.variables);
    process.chdir(codeDir);
    const instanceLink: InstanceLink = {
      protocol: 1,
      environment: assignment.environment,
      callee: link,
      activeCall: () => server?.activeCall?.(),
    };
    Object.defineProperty(globalThis, INSTANCE_LINK, { value: instanceLink });
    const onIdle = exitWhenIdle;
    const { jsEntry, entry, http } = assignment;
    if (entry !== undefined) {
      // Node would pass its flags, also its permissions, on to the program, which may not be Node or not know them.
      process.execArgv = [];
      const onWaiting = (reason: string): void => send({ type: "waiting", reason });
      if (http !== undefined) {
        const { startHttpProgram } = await import("./http-program/start-http-program.ts");
        const options = { assignment, program: http, link, onIdle, onWaiting };
        server = await startHttpProgram(entry, options);
        send({ type: "ready", methods: [FETCH_METHOD] });
        return;
      }
      // Only services with a program load gRPC.
      const { startEntry } = await import("./entry/entry-server.ts");
      server = await startEntry(entry, { assignment, link, onIdle, onWaiting });
      send({ type: "ready", methods: [] });
      return;
    }
    prepareModules(codeDir, jsEntry ?? "");
    hideProgram(resolve(codeDir, jsEntry ?? ""));
    // The host adds it to the error when the start takes too long.
    const reason = `the code at the top of ${jsEntry}, or an await in it, has not ended`;
    send({ type: "waiting", reason });
    // An endless loop in the module would keep it from being sent. Without it, nothing of the service has run.
    link.flush();
    if (assignment.preload !== undefined) {
      // Few services need it.
      const { prepareLoad } = await import("./prepare-load.ts");
      await prepareLoad(assignment);
    }
    const methods = await loadService(codeDir, jsEntry ?? "", {
      isImported: assignment.preload !== undefined,
    });
    const replyBytesMax = assignment.bodyBytesMax;
    const streams = hasStreams(methods) ? await import("./serve-stream.ts") : undefined;
    const fetch = methods.has(FETCH_METHOD) ? await import("./fetch/serve-fetch.ts") : undefined;
    server = new CallServer(methods, {
      encode: encodeOfService,
      replyBytesMax,
      self: assignment,
      onIdle,
      onError: (error, what, call) => output().logError(error, what, call),
      serveStream: streams?.serveStream,
      activeSpan: (call) => spans?.activeSpan(call),
      serveFetch: fetch?.serveFetch,
    });
    send({ type: "ready", methods: [...methods.keys()].filter(isCallableName).sort() });
  } catch (error) {
    const { entry, http } = assignment;
    const kind = http === undefined ? "entry" : "program";
    const problem = entry === undefined ? "Its module cannot be loaded" : `Its ${kind} failed`;
    const { describeLoadError } = await import("./describe-load-error.ts");
    failToStart(`${problem}: ${await describeLoadError(error, assignment)}`);
  }
}

/** Serves one transform of a folder instead of a service. None of the folder's code runs. */
async function onTransform({ linkVersion, codeDir, entry, user }: TransformMessage): Promise<void> {
  isAssigned = true;
  try {
    const refusal = refuseHostVersion(linkVersion);
    if (refusal !== undefined) throw new Error(refusal);
    dropPrivileges(user, { isNeeded: process.argv.includes("--own-user") });
    const { openTransformServer } = await import("./transform/transform-server.ts");
    server = openTransformServer(codeDir, entry);
    send({ type: "ready", methods: [] });
  } catch (error) {
    failToStart(error instanceof Error ? error.message : String(error));
  }
}

/** Few services record spans. */
function onSpanApi(url: string): void {
  if (!(spanBounds.spansMax > 0)) return;
  if (spans === undefined) {
    const program: typeof import("./spans/spans.ts") = createRequire(import.meta.filename)(
      "./spans.cjs",
    );
    const currentCall = (): RunningCall | undefined => server?.currentCall?.();
    spans = program.openSpans({ bounds: spanBounds, currentCall, send });
  }
  spans.onResolved(url);
}

function failToStart(reason: string): void {
  send({ type: "failed", reason });
  link.flush();
  socket.end(() => process.exit(EXIT_CANNOT_START));
}

function stop(): void {
  isStopping = true;
  exitWhenIdle();
}

/** Exits once the host has sent `stop` and SIGTERM, in any order, and no call is open. */
function exitWhenIdle(): void {
  if (!isStopping || !hasReceivedSigterm) return;
  server?.drain?.();
  if (server === undefined || server.callsInFlight === 0) exit();
}

/** Sends the last replies before the process exits. */
function exit(): void {
  if (isExiting) return;
  isExiting = true;
  setImmediate(async () => {
    await server?.closeResources();
    await server?.close?.();
    // The host kills this process if that takes too long.
    await sendRest(link);
    socket.end(() => process.exit(0));
  });
}

function reportUncaughtError(error: unknown): void {
  if (server?.failCurrent?.(error) === true) return;
  output().logError(error, "Uncaught error in the service, outside of any call", "");
}

function send(message: RuntimeMessage): void {
  link.control(message);
}
