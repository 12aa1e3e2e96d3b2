import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { LeverError, LINK_VERSION, type Limits } from "@leveros/protocol";
import type { TokenRegistry } from "../access/token-registry.ts";
import type { Clock } from "../clock.ts";
import { gatewayLimits } from "../gateway/gateway-limits.ts";
import type { Listener } from "../gateway/listener.ts";
import type { Readiness } from "../gateway/platform/readiness.ts";
import type { Certificate } from "../gateway/tls/certificate.ts";
import type { Log } from "../logs/log.ts";
import type { GatewayCounts } from "../metrics/gateway-meter.ts";
import type { HostMeters } from "../metrics/host-meters.ts";
import { HealthTicker } from "../processes/process-health.ts";
import type { ProcessRecords } from "../processes/process-records.ts";
import { restartDelayMs } from "../processes/restart-backoff.ts";
import { nextCallRun } from "../router/call-numbers.ts";
import type { EnvironmentAccess } from "../router/environment-access.ts";
import type { Router } from "../router/router.ts";
import { divideLimits } from "./divide-limits.ts";
import type { WorkerCommand, WorkerSetup } from "./messages.ts";
import { WorkerPlace } from "./worker-place.ts";
import { WorkerExit, WorkerProcess } from "./worker-process.ts";

/** A worker that ends sooner after its start has failed: failures in a row delay the next start more and more. */
const STEADY_MS = 10_000;
/** Time between two health checks. */
const HEALTH_TICK_MS = 1_000;
/** Size of the keys of TLS session tickets (`tls.createServer`). */
const TICKET_KEYS_BYTES = 48;

export interface WorkersOptions {
  /** At least two: a single gateway runs in the host itself. */
  readonly workers: number;
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly router: Router;
  readonly meters: HostMeters;
  readonly tokens: TokenRegistry;
  readonly isLocalOnly: boolean;
  readonly limits: Limits;
  readonly readiness: Readiness;
  readonly certificate: Certificate | undefined;
  readonly consoleHosts: readonly string[];
  readonly records: ProcessRecords;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Several processes that each run a gateway. They share one port, and pass their calls to the one router of the host.
 *
 * - W1. A change of environments, services or tokens holds in all workers once `propagated` resolves.
 * - W2. A worker that ends breaks its own connections and calls only, and is replaced.
 * - W3. No worker outlives the host, and none listens after `destroyConnections`.
 * - W4. A worker that does not answer, because it is suspended or blocked, is killed and replaced.
 */
export class GatewayWorkers implements Listener {
  readonly #options: WorkersOptions;
  readonly #setup: Omit<WorkerSetup, "bind" | "callRun">;
  readonly #running = new Set<WorkerProcess>();
  readonly #places: readonly WorkerPlace[];
  #listening = 0;
  #address = "";
  #port = 0;
  #healthTicker: HealthTicker | undefined;
  #isClosing = false;

  constructor(options: WorkersOptions) {
    const { router, tokens, limits, readiness, workers, certificate } = options;
    const { isLocalOnly, consoleHosts } = options;
    this.#options = options;
    this.#places = Array.from({ length: workers }, () => new WorkerPlace());
    this.#setup = {
      limits: divideLimits(gatewayLimits(limits), workers),
      isLocalOnly,
      consoleHosts,
      certificate: certificate && {
        ...certificate,
        cert: certificate.cert.toString(),
        key: certificate.key.toString(),
      },
      ticketKeys: randomBytes(TICKET_KEYS_BYTES).toString("base64"),
    };
    router.accessChanged.add(({ environment, access }) =>
      this.#sendAll(environmentCommand(environment, access)),
    );
    router.serviceChanged.add((change) => this.#sendAll({ type: "service", ...change }));
    router.sites.routes.changed.add((change) => this.#sendAll({ type: "route", ...change }));
    readiness.changed.add((state) => this.#sendAll({ type: "state", state }));
    tokens.changed.add((change) => this.#sendAll({ type: "token", ...change }));
  }

  get port(): number {
    return this.#port;
  }

  /** The counts of the workers, one after the other. */
  counts(): readonly GatewayCounts[] {
    return this.#places.map(({ counts }) => counts);
  }

  /**
   * Starts the workers. The system lets all sockets of one user share a port if each of them asks for it. So a second host
   * could share the port, and would get half of the calls. To prevent that, the host reserves the port without sharing
   * while its workers start. They listen as soon as it closes its reservation.
   * @throws Error of the system when the port is not available; LeverError `unavailable` when a worker does not start.
   */
  async open(): Promise<void> {
    const { bind, port } = this.#options;
    const portReservation = createServer((socket) => socket.destroy());
    portReservation.listen({ host: bind, port });
    await once(portReservation, "listening");
    const { address, port: reserved } = portReservation.address() as AddressInfo;
    this.#address = address;
    this.#port = reserved;
    try {
      const first = this.#places.map((place) => this.#start(place));
      await Promise.all(first.map((worker) => worker.started));
      portReservation.close();
      await Promise.all(first.map((worker) => this.#listen(worker)));
      for (const [index, worker] of first.entries()) {
        const place = this.#places[index];
        if (place !== undefined) void this.#superviseForever(worker, place);
      }
      this.#healthTicker = new HealthTicker(this.#options.clock, HEALTH_TICK_MS, (hostStallMs) => {
        for (const worker of this.#running) worker.checkHealth(hostStallMs);
      });
    } catch (error) {
      portReservation.close();
      this.#isClosing = true;
      this.destroyConnections();
      if (!(error instanceof WorkerExit) || error.code !== undefined) throw error;
      const { message, lastOutput } = error;
      throw new LeverError(
        "unavailable",
        `Cannot start a worker: ${message}. ${lastOutput}`.trim(),
      );
    }
  }

  /** Resolves when every worker has applied all earlier changes (W1). */
  async propagated(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.propagated()));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const running = [...this.#running];
    for (const worker of running) worker.close();
    await Promise.all(running.map((worker) => worker.exited));
    this.#healthTicker?.stop();
  }

  destroyConnections(): void {
    this.#healthTicker?.stop();
    for (const worker of this.#running) worker.kill();
  }

  /** Starts a worker, and sends it its setup, all environments with their services, and all tokens. */
  #start(place: WorkerPlace): WorkerProcess {
    const { router, tokens, readiness } = this.#options;
    const worker = new WorkerProcess(this.#options);
    const setup = { ...this.#setup, bind: this.#address, callRun: nextCallRun() };
    worker.send({ type: "setup", linkVersion: LINK_VERSION, setup });
    for (const [environment, { access, services }] of router.environments) {
      worker.send(environmentCommand(environment, access));
      for (const [service, { live }] of services) {
        worker.send({ type: "service", environment, service, live });
      }
    }
    for (const route of router.sites.routes) {
      worker.send({ type: "route", route, isKnown: true });
    }
    for (const record of tokens.index.records)
      worker.send({ type: "token", record, isKnown: true });
    worker.send({ type: "state", state: readiness.state });
    this.#running.add(worker);
    place.take(worker);
    void worker.exited.then(() => this.#running.delete(worker));
    return worker;
  }

  /** W2. Replaces a worker when it ends, and then each of its successors. */
  async #superviseForever(first: WorkerProcess, place: WorkerPlace): Promise<void> {
    const { clock, log } = this.#options;
    let startedAt = clock.now();
    let running: Promise<unknown> = first.exited;
    let failures = 0;
    while (true) {
      const end = await running;
      if (this.#isClosing) return;
      log("error", "workers", "worker ended", describeExit(end));
      this.#options.meters.workerExits++;
      failures = clock.now() - startedAt < STEADY_MS ? failures + 1 : 1;
      const delayMs = restartDelayMs(failures);
      await new Promise<void>((resolve) => clock.setTimeout(resolve, delayMs));
      if (this.#isClosing) return;
      startedAt = clock.now();
      running = this.#runNext(place).catch((error: unknown) => error);
    }
  }

  /** Resolves when the started worker has ended. @throws WorkerExit when it ends before it listens. */
  async #runNext(place: WorkerPlace): Promise<WorkerExit> {
    const worker = this.#start(place);
    await worker.started;
    await this.#listen(worker);
    this.#options.log("info", "workers", "worker started", { worker: worker.pid });
    return await worker.exited;
  }

  /** Counts the worker for as long as it listens. @throws WorkerExit when it cannot. */
  async #listen(worker: WorkerProcess): Promise<void> {
    await worker.listen(this.#port);
    this.#countListening(1);
    void worker.exited.then(() => this.#countListening(-1));
  }

  #countListening(change: number): void {
    const { workers, readiness } = this.#options;
    this.#listening += change;
    readiness.change({ workersMissing: workers - this.#listening });
  }

  #sendAll(message: WorkerCommand): void {
    for (const worker of this.#running) worker.send(message);
  }
}

function describeExit(end: unknown): object {
  if (!(end instanceof WorkerExit)) return { reason: String(end) };
  const { pid, message, lastOutput } = end;
  return { worker: pid, reason: message, ...(lastOutput !== "" && { lastOutput }) };
}

function environmentCommand(name: string, access: EnvironmentAccess | undefined): WorkerCommand {
  if (access === undefined) return { type: "environment", name };
  return {
    type: "environment",
    name,
    access: { ...access, corsOrigins: [...access.corsOrigins] },
  };
}
