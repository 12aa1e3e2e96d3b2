import type { ChildProcess } from "node:child_process";
import { extname, join } from "node:path";
import { attachLink, type CallTarget, LeverError, type Limits, type Link } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import { startLinked } from "../processes/linked-process.ts";
import { OutputLog } from "../processes/output-log.ts";
import { checkHealth, type HealthState, healthyNow } from "../processes/process-health.ts";
import type { ProcessRecords } from "../processes/process-records.ts";
import { readOutput } from "../processes/read-output.ts";
import { forwardCall } from "../router/forward-call.ts";
import { sendToWorker, type WorkerCommand, type WorkerEvent } from "./messages.ts";

/** Beside this file, in the form that it is run in itself. */
const MAIN = join(import.meta.dirname, `worker-main${extname(import.meta.filename)}`);
/** Of bodies and messages: the worker holds them to their limits. */
const MESSAGE_BYTES_MAX = 256 * 1024 * 1024;
/** Time for a worker to answer its link: much more than one that works ever needs. */
const ANSWER_MS_MAX = 5_000;
/** Time without a link for a worker to end by itself, so that its exit status is its own. */
const EXIT_MS_MAX = 1_000;

export interface WorkerProcessOptions {
  readonly router: CallTarget;
  readonly limits: Limits;
  readonly ledger: ProcessRecords;
  readonly clock: Clock;
  readonly log: Log;
}

/** How a worker came to its end. */
export class WorkerExit extends Error {
  readonly pid: number;
  /** The system's, when it could not listen. */
  readonly code: string | undefined;
  /** What it wrote last. */
  readonly lastOutput: string;

  constructor(
    reason: string,
    about: { pid: number; code: string | undefined; lastOutput: string },
  ) {
    super(reason);
    this.pid = about.pid;
    this.code = about.code;
    this.lastOutput = about.lastOutput;
  }
}

/** One process that runs a gateway, as the host sees it. */
export class WorkerProcess {
  readonly pid: number;
  readonly #options: WorkerProcessOptions;
  readonly #child: ChildProcess;
  readonly #link: Link;
  readonly #output: OutputLog;
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #listening: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #exited: PromiseWithResolvers<WorkerExit> = Promise.withResolvers();
  #mayListen = false;
  #health: HealthState;
  /** Why it ends, where that is known before it does. */
  #reason: string | undefined;
  #code: string | undefined;

  /** @throws LeverError `start_failed` when the system makes no process. */
  constructor(options: WorkerProcessOptions) {
    const { limits, ledger, clock, log } = options;
    this.#options = options;
    this.#health = healthyNow(clock.now());
    // One debugger is enough: two cannot have the same port.
    const flags = process.execArgv.filter((flag) => !flag.startsWith("--inspect"));
    // In a session of its own: the host is who ends it, and a later host what of it a crash leaves behind.
    const { child, pid, socket, shared } = startLinked(({ variables }) => ({
      program: process.execPath,
      args: [...flags, MAIN],
      env: { ...process.env, ...variables },
    }));
    this.pid = pid;
    this.#child = child;
    try {
      ledger.add(pid);
    } catch (error) {
      this.kill();
      throw error;
    }
    this.#output = new OutputLog({
      bytesPerSecondMax: limits.loggedBytesPerSecondMax,
      clock: () => clock.now(),
      onLine: (line) => log("info", "workers", "output", { worker: pid, line }),
      onDropped: (bytes) => log("warn", "workers", "output dropped", { worker: pid, bytes }),
    });
    readOutput([child.stdout, child.stderr], (chunk) => this.#output.push(chunk));
    // The worker has admitted its calls, and names their callers.
    const forwarding = { target: options.router, isTrusted: true, log };
    const link = attachLink(socket, {
      side: "host",
      messageBytesMax: MESSAGE_BYTES_MAX,
      // The router bounds them, whichever worker they come through.
      callsMax: Number.POSITIVE_INFINITY,
      shared,
      onCall: (request, side) => forwardCall(request, side, forwarding),
      onControl: (message) => this.#onEvent(message as WorkerEvent),
      onClose: (reason) => {
        if (reason !== undefined)
          log("warn", "workers", "link broken", { worker: pid, reason: reason.message });
        link.close(new LeverError("cancelled", "The caller closed its connection."));
        const timer = clock.setTimeout(() => this.kill(), EXIT_MS_MAX);
        void this.exited.then(() => clock.clearTimeout(timer));
      },
    });
    this.#link = link;
    const { startTimeoutMs } = limits;
    const starting = clock.setTimeout(
      () => this.#giveUp(`it was still starting after ${startTimeoutMs} ms`),
      startTimeoutMs,
    );
    const hasStarted = (): void => clock.clearTimeout(starting);
    this.#listening.promise.then(hasStarted, hasStarted);
    // Nobody may wait for it.
    this.#started.promise.catch(() => {});
    child.once("close", (status: number | null, signal: string | null) => {
      ledger.remove(pid);
      this.#output.end();
      const how = signal === null ? `it exited with status ${status}` : `it was ended by ${signal}`;
      const lastOutput = this.#output.tail();
      const end = new WorkerExit(this.#reason ?? how, { pid, code: this.#code, lastOutput });
      this.#started.reject(end);
      this.#listening.reject(end);
      this.#exited.resolve(end);
    });
  }

  /** Resolves when it is ready to listen. @throws WorkerEnd when it ends before that. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Resolves when its process has ended. */
  get exited(): Promise<WorkerExit> {
    return this.#exited.promise;
  }

  send(message: WorkerCommand): void {
    sendToWorker(this.#link, message);
  }

  /** Opens the port. @throws WorkerEnd when it cannot. */
  listen(port: number): Promise<void> {
    this.#mayListen = true;
    this.send({ type: "listen", port });
    return this.#listening.promise;
  }

  /** Resolves when it knows what it was told so far, or is no more: at the latest when `checkHealth` has ended it. */
  async propagated(): Promise<void> {
    // Before it listens, it hears everything first.
    if (!this.#mayListen) return;
    await Promise.race([new Promise<void>((resolve) => this.#ask(resolve)), this.exited]);
  }

  /** W4. Asks for a sign of life when that is due, and ends it when there is none (`HealthOptions`). */
  checkHealth(hostStallMs: number): void {
    // Until then it is given time to start.
    if (!this.#mayListen) return;
    const { state, action } = checkHealth(this.#health, {
      now: this.#options.clock.now(),
      hostStallMs: hostStallMs,
      isBusy: false,
      // Its connections cannot go elsewhere, so that there is nothing between waiting and giving up.
      unresponsiveAfterMs: ANSWER_MS_MAX,
      unresponsiveKillAfterMs: ANSWER_MS_MAX,
    });
    this.#health = state;
    if (action === "ping") this.#ask();
    if (action === "kill") this.#giveUp(`it did not answer for ${ANSWER_MS_MAX / 1_000} s`);
  }

  /** Takes no new connections; it ends when those that are there have. */
  close(): void {
    if (this.#mayListen) this.send({ type: "close" });
    else this.kill();
  }

  /** Ends it at once. May be called twice. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #ask(onAnswer?: () => void): void {
    const { clock } = this.#options;
    this.#health = { ...this.#health, askedAt: this.#health.askedAt ?? clock.now() };
    this.#link.ping(() => {
      this.#health = healthyNow(clock.now());
      onAnswer?.();
    });
  }

  #giveUp(reason: string): void {
    this.#reason ??= reason;
    this.kill();
  }

  #onEvent(message: WorkerEvent): void {
    switch (message.type) {
      case "started":
        this.#started.resolve();
        return;
      case "listening":
        this.#listening.resolve();
        return;
      case "failed":
        this.#reason = message.reason;
        this.#code = message.code;
        return;
      case "log":
        this.#options.log(message.level, message.part, message.event, {
          worker: this.pid,
          ...message.fields,
        });
        return;
    }
  }
}
