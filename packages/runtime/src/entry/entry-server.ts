import type { Assignment, CallHandle, CallListener, CallRequest, Link } from "@leveros/protocol";
import { GrpcService } from "./grpc-service.ts";
import { openOutgoingGrpcServer } from "./outgoing-grpc-server.ts";
import { freePort, ProgramProcess } from "./program-process.ts";
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
  command: readonly string[],
  options: EntryOptions,
): Promise<EntryServer> {
  const { assignment, link } = options;
  const gateway = await openOutgoingGrpcServer(link, assignment);
  // Programs of Lever OS listen on their port whatever they are told.
  const port = assignment.hasOwnPorts === true ? LEVER_OS_PORT : await freePort();
  const program = new ProgramProcess(command, {
    cwd: assignment.codeDir,
    variables: {
      LEVEROS_LISTEN_PORT: String(port),
      // Programs with the Go library of Lever OS read it if they call its config.Initialize().
      LEVEROS_core_instanceListenPort: String(port),
      LEVEROS_INTERNAL_RPC_GATEWAY: gateway,
    },
  });
  const [name = ""] = command;
  await untilListening(program.child, { command: name, port, onWaiting: options.onWaiting });
  program.followExit();
  const service = new GrpcService({ port, gateway, assignment, onIdle: options.onIdle });
  return {
    get callsInFlight() {
      return service.callsInFlight;
    },
    onCall: (request, side) => service.onCall(request, side),
    closeResources: () => service.closeResources(),
    async close() {
      service.close();
      await program.terminate();
    },
  };
}
