import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { CallEnd } from "./call-outcomes.ts";
import type { Increment } from "./counter-history.ts";

export interface WitnessReport {
  readonly records: number;
  readonly violations: readonly string[];
}

/** A request to a host, from the callers' machine. */
export interface HostRequest {
  readonly address: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface Load {
  /** The address of each host. */
  readonly addresses: readonly string[];
  readonly token: string;
  /** Callers of each kind. */
  readonly callers: number;
  readonly resources: number;
}

/** A call that ended as only a fault of the called host explains. */
export interface BrokenCall {
  /** Index of the host. */
  readonly host: number;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly outcome: string;
}

export interface LoadReport {
  /** Calls of each kind, by their outcome. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly increments: ReadonlyMap<string, readonly Increment[]>;
  readonly broken: readonly BrokenCall[];
}

export type CallersCommand =
  | { readonly kind: "request"; readonly id: number; readonly request: HostRequest }
  | ({ readonly kind: "load" } & Load)
  | { readonly kind: "stop" };

export type CallersMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "answer"; readonly id: number; readonly end: CallEnd }
  | { readonly kind: "report"; readonly report: LoadReport };

/** Starts a program of this folder on a machine. It ends with this process at the latest. */
function startProgram(prefix: readonly string[], file: string): ChildProcess {
  const program = [process.execPath, "--conditions=lever-source", join(import.meta.dirname, file)];
  const [command = "", ...args] = [...prefix, ...program];
  return spawn(command, args, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
}

async function end(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  program.kill("SIGKILL");
  await once(program, "exit");
}

/** The machine that instances tell what they do. */
export class Witness implements AsyncDisposable {
  readonly #program: ChildProcess;

  static async start(prefix: readonly string[]): Promise<Witness> {
    const program = startProgram(prefix, "witness-main.ts");
    await once(program, "message");
    return new Witness(program);
  }

  private constructor(program: ChildProcess) {
    this.#program = program;
  }

  async report(): Promise<WitnessReport> {
    this.#program.send("report");
    const [report] = await once(this.#program, "message");
    return report as WitnessReport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#program);
  }
}

/** The machine that calls hosts. */
export class Callers implements AsyncDisposable {
  readonly #program: ChildProcess;
  readonly #waiting = new Map<number, (end: CallEnd) => void>();
  readonly #report: PromiseWithResolvers<LoadReport> = Promise.withResolvers();
  #requests = 0;

  static async start(prefix: readonly string[]): Promise<Callers> {
    const program = startProgram(prefix, "callers-main.ts");
    await once(program, "message");
    return new Callers(program);
  }

  private constructor(program: ChildProcess) {
    this.#program = program;
    program.on("message", (message: CallersMessage) => this.#received(message));
  }

  /** Never rejects. */
  async request(request: HostRequest): Promise<CallEnd> {
    const id = ++this.#requests;
    const { promise, resolve } = Promise.withResolvers<CallEnd>();
    this.#waiting.set(id, resolve);
    this.#send({ kind: "request", id, request });
    return await promise;
  }

  /** Calls hosts over and over, until `stop`. */
  load(load: Load): void {
    this.#send({ kind: "load", ...load });
  }

  /** Resolves when the last call has ended. */
  async stop(): Promise<LoadReport> {
    this.#send({ kind: "stop" });
    return await this.#report.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#program);
  }

  #send(command: CallersCommand): void {
    this.#program.send(command);
  }

  #received(message: CallersMessage): void {
    if (message.kind === "report") this.#report.resolve(message.report);
    if (message.kind !== "answer") return;
    this.#waiting.get(message.id)?.(message.end);
    this.#waiting.delete(message.id);
  }
}
