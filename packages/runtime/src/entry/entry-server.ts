import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Assignment, CallHandle, CallListener, CallRequest, Link } from "@leveros/protocol";
import { GrpcService } from "./grpc-service.ts";
import { openOutgoingGrpcServer } from "./outgoing-grpc-server.ts";

/** Time between two checks whether the program listens. */
const POLL_MS = 10;

export interface EntryOptions {
  readonly assignment: Assignment;
  readonly link: Link;
  /** Called whenever the last call in flight is over. */
  readonly onIdle: () => void;
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
  const gateway = await openOutgoingGrpcServer(link, assignment);
  const port = await freePort();
  const child = spawn(command, args, {
    cwd: assignment.codeDir,
    // Its output is the instance's output. It does not inherit the link.
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      LEVEROS_LISTEN_PORT: String(port),
      LEVEROS_INTERNAL_RPC_GATEWAY: gateway,
    },
  });
  await untilListening(child, command, port);
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

async function untilListening(child: ChildProcess, command: string, port: number): Promise<void> {
  let failure: Error | undefined;
  const onError = (error: Error): void => {
    failure = startError(`${command} cannot be started (${error.message})`);
  };
  const onExit = (status: number | null, signal: string | null): void => {
    const how = signal === null ? `exited with status ${status}` : `was ended by ${signal}`;
    failure ??= startError(`${command} ${how} before it listened on its port`);
  };
  child.on("error", onError);
  child.on("exit", onExit);
  // The host stops the instance when the start takes too long.
  while (failure === undefined && !(await accepts(port))) await delay(POLL_MS);
  child.off("exit", onExit);
  if (failure !== undefined) throw failure;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
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

/** An error for the author of the service, without a stack trace of Lever. */
function startError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}
