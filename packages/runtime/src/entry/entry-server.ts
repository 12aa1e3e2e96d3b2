import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setFlagsFromString } from "node:v8";
import type { Assignment, CallHandle, CallListener, CallRequest, Link } from "@leveros/protocol";
import { GrpcService } from "./grpc-service.ts";
import { openOutgoingGrpcServer } from "./outgoing-grpc-server.ts";
import { LEVER_OS_PORT, untilListening } from "./until-listening.ts";

export interface EntryOptions {
  readonly assignment: Assignment;
  readonly link: Link;
  /** Called whenever the last call in flight is over. */
  readonly onIdle: () => void;
  /** Called with the reason why the start is not over yet, when it changes. */
  readonly onWaiting: (reason: string) => void;
}

/** A service that is a separate program, and the program's process. */
export interface EntryServer {
  readonly callsInFlight: number;
  onCall(request: CallRequest, side: CallHandle): CallListener;
  /** Closes every resource. */
  closeResources(): Promise<void>;
  /** Sends SIGTERM to the program and waits for its exit. */
  close(): Promise<void>;
}

/**
 * Starts the program of an `entry` service, and resolves when it listens. Environment variables name its port and the port
 * for calls to other services. When the program exits, this process exits with the same status or signal.
 * @throws Error when the program cannot be started, or exits before it listens.
 */
export async function startEntry(
  [command = "", ...args]: readonly string[],
  options: EntryOptions,
): Promise<EntryServer> {
  const { assignment, link } = options;
  keepSmall();
  const gateway = await openOutgoingGrpcServer(link, assignment);
  // Programs of Lever OS listen on their port whatever they are told.
  const port = assignment.hasOwnPorts === true ? LEVER_OS_PORT : await freePort();
  const child = spawn(command, args, {
    cwd: assignment.codeDir,
    // Its output is the instance's output. It does not inherit the link.
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      LEVEROS_LISTEN_PORT: String(port),
      // Programs with the Go library of Lever OS read it if they call its config.Initialize().
      LEVEROS_core_instanceListenPort: String(port),
      LEVEROS_INTERNAL_RPC_GATEWAY: gateway,
    },
  });
  await untilListening(child, { command, port, onWaiting: options.onWaiting });
  let isClosing = false;
  child.once("exit", (status, signal) => {
    if (isClosing) return;
    if (signal !== null) process.kill(process.pid, signal);
    else process.exit(status ?? 0);
  });
  const service = new GrpcService({ port, gateway, assignment, onIdle: options.onIdle });
  return {
    get callsInFlight() {
      return service.callsInFlight;
    },
    onCall: (request, side) => service.onCall(request, side),
    closeResources: () => service.closeResources(),
    async close() {
      isClosing = true;
      service.close();
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

/**
 * The program needs the memory. Messages are short-lived, so a space for new objects that does not grow costs no time. Nor does a
 * process without V8's second compiler, which takes some megabytes while it compiles.
 */
function keepSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--no-turbofan");
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
