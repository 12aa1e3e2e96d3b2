import {
  type Assignment,
  type CallHandle,
  type CallListener,
  type CallRequest,
  decodeArguments,
  encodeJson,
  type FetchRequestHead,
  type HttpProgram,
  ignoredEvents,
  isReservedName,
  type Link,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { openOutgoingGrpcServer } from "../entry/outgoing-grpc-server.ts";
import { freePort, ProgramProcess } from "../entry/program-process.ts";
import { untilListening } from "../entry/until-listening.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { ProgramRequest } from "./program-request.ts";
import { untilReady } from "./until-ready.ts";

/** The port of a program that has all ports of its container. */
const OWN_PORT = 8080;
/** A program whose requests do not end gets TERM after this time. The rest until KILL is its own. */
const TERM_AFTER_MS = 5_000;

export interface HttpProgramOptions {
  readonly assignment: Assignment;
  readonly program: HttpProgram;
  readonly link: Link;
  /** Called whenever the last call in flight is over. */
  readonly onIdle: () => void;
  /** Called with the reason why the start is not over yet, when it changes. */
  readonly onWaiting: (reason: string) => void;
}

/** A service that is a program which answers HTTP requests, and the program's process. */
export interface HttpProgramServer {
  readonly callsInFlight: number;
  onCall(request: CallRequest, side: CallHandle): CallListener;
  closeResources(): Promise<void>;
  /** No more requests come: the program gets TERM once it has answered those that it has, and ends its WebSockets itself. */
  drain(): void;
  /** Sends SIGTERM to the program and waits for its exit. */
  close(): Promise<void>;
}

/**
 * Starts the program of an `http` service, and resolves when it is ready. When the program exits, this process exits with the
 * same status or signal.
 * @throws Error when the program cannot be started, or exits before it is ready.
 */
export async function startHttpProgram(
  command: readonly string[],
  { assignment, program: { readyPath }, link, onIdle, onWaiting }: HttpProgramOptions,
): Promise<HttpProgramServer> {
  const gateway = await openOutgoingGrpcServer(link, assignment);
  const port = assignment.hasOwnPorts === true ? OWN_PORT : await freePort();
  const program = new ProgramProcess(command, {
    cwd: assignment.codeDir,
    variables: {
      // Frameworks listen on it where they are not told otherwise.
      HOST: assignment.variables["HOST"] ?? "127.0.0.1",
      PORT: String(port),
      LEVEROS_INTERNAL_RPC_GATEWAY: gateway,
    },
  });
  const [name = ""] = command;
  const { child } = program;
  const host = await untilListening(child, { command: name, port, variable: "PORT", onWaiting });
  const address = { host, port };
  if (readyPath !== undefined) {
    const describeExit = (): string | undefined => {
      if (child.signalCode !== null) return `was ended by ${child.signalCode}`;
      return child.exitCode === null ? undefined : `exited with status ${child.exitCode}`;
    };
    await untilReady(address, { command: name, path: readyPath, onWaiting, describeExit });
  }
  program.followExit();
  return new HttpServer(program, { pool: new ConnectionPool(address), onIdle });
}

class HttpServer implements HttpProgramServer {
  readonly #program: ProgramProcess;
  readonly #pool: ConnectionPool;
  readonly #onIdle: () => void;
  readonly #requests = new Set<ProgramRequest>();
  /** The ownerships of resources that the program has. */
  readonly #epochs = new Map<string, number>();
  #isDraining = false;

  constructor(
    program: ProgramProcess,
    { pool, onIdle }: { readonly pool: ConnectionPool; readonly onIdle: () => void },
  ) {
    this.#program = program;
    this.#pool = pool;
    this.#onIdle = onIdle;
  }

  get callsInFlight(): number {
    return this.#requests.size;
  }

  onCall(request: CallRequest, side: CallHandle): CallListener {
    const { method, resource } = request.target;
    const args = decodeArguments(request.kind, request.body);
    if (isReservedName(method)) {
      // The program finds its resources in its requests.
      const epoch = typeof args === "string" ? undefined : args[1];
      if (method !== "newResource") this.#epochs.delete(resource);
      else this.#epochs.set(resource, typeof epoch === "number" ? epoch : 0);
      side.send(PAYLOAD_JSON, encodeJson(null), true);
      return ignoredEvents;
    }
    // Only gateways make such calls, with this form.
    const head = args as unknown as FetchRequestHead;
    const epoch = this.#epochs.get(resource);
    const call = new ProgramRequest(head, side, {
      pool: this.#pool,
      fields: epoch === undefined ? "" : resourceFields(resource, epoch),
      onOver: (over) => this.#onOver(over),
    });
    this.#requests.add(call);
    return call;
  }

  async closeResources(): Promise<void> {}

  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    setTimeout(() => this.#terminate(), TERM_AFTER_MS).unref();
    this.#terminateWhenAnswered();
  }

  async close(): Promise<void> {
    this.#pool.close();
    await this.#program.terminate();
  }

  #onOver(request: ProgramRequest): void {
    this.#requests.delete(request);
    if (this.#isDraining) this.#terminateWhenAnswered();
    if (this.#requests.size === 0) this.#onIdle();
  }

  #terminateWhenAnswered(): void {
    for (const request of this.#requests) if (!request.isUpgraded) return;
    this.#terminate();
  }

  #terminate(): void {
    void this.#program.terminate();
  }
}

/** The header fields that name the resource of a request. */
function resourceFields(resource: string, epoch: number): string {
  return `lever-resource: ${encodeURIComponent(resource)}\r\nlever-resource-epoch: ${epoch}\r\n`;
}
