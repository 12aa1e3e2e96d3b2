import {
  attachLink,
  type CallTarget,
  cancelled,
  LINK_MESSAGE_BYTES_MAX,
  type Limits,
  type Link,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { GatewayCounts } from "../metrics/gateway-meter.ts";
import { describeExit } from "../processes/process-exit.ts";
import type { ProcessRecords } from "../processes/process-records.ts";
import { type ProcessEnd, SupervisedProcess } from "../processes/supervised-process.ts";
import { forwardCall } from "../router/forward-call.ts";
import { sendToWorker, type WorkerCommand, type WorkerEvent } from "./messages.ts";
import { startWorker, type WorkerHandle } from "./start-worker.ts";

/** Time for a worker to answer a ping: much more than a working one ever needs. */
const UNRESPONSIVE_MS = 5_000;
/** Time without a link for a worker to exit by itself, so that its exit status is its own. */
const EXIT_GRACE_MS = 1_000;

export interface WorkerProcessOptions {
  readonly router: CallTarget;
  readonly limits: Limits;
  readonly records: ProcessRecords;
  readonly clock: Clock;
  readonly log: Log;
}

/** Why a worker has ended. */
export class WorkerExit extends Error {
  readonly pid: number;
  /** The system's error code, if it could not listen. */
  readonly code: string | undefined;
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
  readonly #options: WorkerProcessOptions;
  readonly #process: SupervisedProcess<WorkerHandle>;
  readonly #link: Link;
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #listening: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #exited: PromiseWithResolvers<WorkerExit> = Promise.withResolvers();
  /** It has been sent `listen`: from then on it may take connections. */
  #mayListen = false;
  /** The last counts that it has sent; undefined = none yet. */
  counts: GatewayCounts | undefined;
  /** Why it cannot listen, in the worker's own words. */
  #failure: { readonly reason: string; readonly code: string | undefined } | undefined;

  /** @throws LeverError `start_failed` when the system cannot start a process. */
  constructor(options: WorkerProcessOptions) {
    const { limits, clock, log } = options;
    const { startTimeoutMs, loggedBytesPerSecondMax, logRecordBytesMax } = limits;
    this.#options = options;
    // The caller need not wait for both.
    this.#started.promise.catch(() => {});
    this.#listening.promise.catch(() => {});
    this.#process = new SupervisedProcess(
      (onOutput) => startWorker(onOutput, options),
      {
        onOutput: ({ text: line }) => log("info", "workers", "output", { worker: this.pid, line }),
        onOutputDropped: ({ bytes }) =>
          log("warn", "workers", "output dropped", { worker: this.pid, bytes }),
        onReady: () => this.#listening.resolve(),
        onStopping: () => {},
        requestStop: () => this.kill(),
        ping: (onPong) => this.#link.ping(onPong),
        // Its connections cannot go elsewhere, so nothing is done before it is killed.
        onUnresponsive: () => {},
        onRecovered: () => {},
        onExited: (end) => this.#onExited(end),
      },
      {
        clock,
        limits: {
          startTimeoutMs,
          stopTimeoutMs: Number.POSITIVE_INFINITY,
          exitGraceMs: EXIT_GRACE_MS,
          unresponsiveAfterMs: UNRESPONSIVE_MS,
          unresponsiveKillAfterMs: UNRESPONSIVE_MS,
          loggedBytesPerSecondMax,
          logRecordBytesMax,
        },
      },
    );
    // The worker has admitted its calls, and names their callers.
    const forwarding = { target: options.router, isTrusted: true, log };
    const { socket, shared } = this.#process.handle;
    this.#link = attachLink(socket, {
      side: "listener",
      messageBytesMax: LINK_MESSAGE_BYTES_MAX,
      // The router bounds calls, whichever worker they come through.
      callsMax: Number.POSITIVE_INFINITY,
      shared,
      onCall: (request, side) => forwardCall(request, side, forwarding),
      onControl: (message) => this.#onEvent(message as WorkerEvent),
      onClose: (reason) => {
        if (reason !== undefined)
          log("warn", "workers", "link broken", { worker: this.pid, reason: reason.message });
        this.#link.close(cancelled("connectionClosed"));
        this.#process.step({ type: "lost" });
      },
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves when it is ready to listen. @throws WorkerExit when it ends before that. */
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

  /** Opens the port. @throws WorkerExit when it cannot. */
  listen(port: number): Promise<void> {
    this.#mayListen = true;
    this.send({ type: "listen", port });
    return this.#listening.promise;
  }

  /** Resolves when it has received everything that was sent so far, or has ended: `checkHealth` bounds the wait. */
  async propagated(): Promise<void> {
    // Messages arrive in order: before it listens, it receives everything that was sent before.
    if (!this.#mayListen) return;
    const answered = new Promise<void>((resolve) => this.#process.ping(resolve));
    await Promise.race([answered, this.exited]);
  }

  /** W4. Must be called regularly (`HealthTicker`). */
  checkHealth(hostStallMs: number): void {
    this.#process.checkHealth({
      hostStallMs,
      isBusy: false,
      hasNewCalls: false,
      hasAnswered: false,
    });
  }

  /** Takes no new connections, and exits when those that are open have ended. Before it listens, it is killed. */
  close(): void {
    if (this.#process.phase === "ready") this.send({ type: "close" });
    this.#process.step({ type: "drain", stopAt: Number.POSITIVE_INFINITY });
  }

  /** May be called twice. */
  kill(): void {
    this.#process.kill();
  }

  #onExited(end: ProcessEnd): void {
    const { pid } = this;
    const { startTimeoutMs } = this.#options.limits;
    this.#options.records.remove(pid);
    const { reason = endReason(end, startTimeoutMs), code } = this.#failure ?? {};
    const exit = new WorkerExit(reason, { pid, code, lastOutput: this.#process.lastOutput() });
    this.#started.reject(exit);
    this.#listening.reject(exit);
    this.#exited.resolve(exit);
  }

  #onEvent(message: WorkerEvent): void {
    switch (message.type) {
      case "started":
        this.#started.resolve();
        return;
      case "listening":
        this.#process.step({ type: "loaded" });
        return;
      case "failed":
        this.#failure = message;
        return;
      case "counts":
        this.counts = message.counts;
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

function endReason(end: ProcessEnd, startTimeoutMs: number): string {
  switch (end.cause) {
    case "startTimedOut":
      return `it was still starting after ${startTimeoutMs} ms`;
    case "unresponsive":
      return `it did not answer for ${UNRESPONSIVE_MS / 1_000} s`;
    case "exited":
      return `it ${describeExit(end.exit)}`;
  }
}
