import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Assignment, CallHandle, CallListener, CallOpening, Link } from "@leveros/protocol";
import { GrpcService } from "./grpc-service.ts";
import { openInternalGateway } from "./outgoing-grpc-server.ts";

/** Between two looks whether the program listens already. */
const POLL_MS = 10;

export interface EntryOptions {
  readonly assignment: Assignment;
  readonly link: Link;
  /** Called whenever the last call in flight is over. */
  readonly onIdle: () => void;
}

/** A service that is a program of its own, with the program's process. */
export interface EntryServer {
  readonly callsInFlight: number;
  onCall(opening: CallOpening, side: CallHandle): CallListener;
  /** Gives every resource back. */
  closeResources(): Promise<void>;
  /** TERM, and the end of the program. */
  close(): Promise<void>;
}

/**
 * Starts the program of an `entry` service, and resolves when it listens. It is told its port and where to call
 * others; when it ends, this process ends in the same way.
 * @throws Error that says how it ended before it listened.
 */
export async function startEntry(
  [command = "", ...args]: readonly string[],
  options: EntryOptions,
): Promise<EntryServer> {
  const { assignment, link } = options;
  const gateway = await openInternalGateway(link, assignment);
  const port = await freePort();
  const child = spawn(command, args, {
    cwd: assignment.codeDir,
    // Its output is the instance's; the link is not its business.
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
    onCall: (opening, side) => service.onCall(opening, side),
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
  // The host ends the waiting when it takes too long.
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

/** For people who look for their own fault: where in Lever it was noticed is of no use to them. */
function startError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}
