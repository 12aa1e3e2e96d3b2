/**
 * The program of a worker: a gateway on the port that all workers share, with its link to the host as file descriptor 3.
 * The host sends it environments and tokens; its calls go to the host's router. It exits when the host tells it to, or
 * when its link closes.
 */
import fs from "node:fs";
import { Socket } from "node:net";
import {
  attachLink,
  inheritedMemory,
  LINK_FD,
  LINK_MESSAGE_BYTES_MAX,
  refuseHostVersion,
} from "@leveros/protocol";
import { TokenIndex } from "../access/token-index.ts";
import { systemClock } from "../clock.ts";
import { type Gateway, openGateway } from "../gateway/gateway.ts";
import { Readiness } from "../gateway/platform/readiness.ts";
import { type Certificate, readCertificate } from "../gateway/tls/certificate.ts";
import { BusyTime } from "../processes/busy-time.ts";
import { setCallRun } from "../router/call-numbers.ts";
import type { WorkerCommand, WorkerEvent, WorkerSetup } from "./messages.ts";
import { RemoteRouter } from "./remote-router.ts";

const EXIT_CANNOT_START = 1;
/** Counts since the last time are lost when it is killed. */
const COUNTS_EVERY_MS = 2_000;

const socket = new Socket({ fd: LINK_FD, readable: true, writable: true });
const link = attachLink(socket, {
  side: "dialler",
  messageBytesMax: LINK_MESSAGE_BYTES_MAX,
  callsMax: 0,
  shared: inheritedMemory(fs),
  onCall: () => {
    throw new Error("Cannot serve a call: workers only pass calls to the host.");
  },
  onControl: (message) => onCommand(message as WorkerCommand),
  // Without a host it can serve no calls, and must free the port.
  onClose: () => process.exit(0),
});
const router = new RemoteRouter(link);
/** The state of the host, as it was last sent. */
const readiness = new Readiness();
let worker: Worker | undefined;
let chunks = "";

// The host also receives Ctrl-C of a terminal and SIGTERM of a service manager, and stops its workers in order.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

function onCommand(message: WorkerCommand): void {
  switch (message.type) {
    case "setup": {
      const refusal = refuseHostVersion(message.linkVersion);
      if (refusal !== undefined) {
        send({ type: "failed", reason: refusal, code: undefined });
        exit(EXIT_CANNOT_START);
        return;
      }
      setCallRun(message.setup.callRun);
      worker = new Worker(message.setup);
      void worker.prepare();
      return;
    }
    case "environment": {
      const { name, access } = message;
      router.setEnvironment(
        name,
        access && { ...access, corsOrigins: new Set(access.corsOrigins) },
      );
      return;
    }
    case "service":
      router.setService(message.environment, message.service, message.live);
      return;
    case "route":
      if (message.isKnown) router.sites.routes.add(message.route);
      else router.sites.routes.remove(message.route);
      return;
    case "token":
      if (message.isKnown) worker?.tokens.add(message.record);
      else worker?.tokens.remove(message.record);
      return;
    case "state":
      readiness.change(message.state);
      if (message.state.phase === "stopping") router.close();
      return;
    case "listen":
      void worker?.listen(message.port);
      return;
    case "close":
      void worker?.close();
      return;
    case "chunk": {
      chunks += message.text;
      if (!message.isLast) return;
      const text = chunks;
      chunks = "";
      onCommand(JSON.parse(text) as WorkerCommand);
      return;
    }
  }
}

/** The gateway of this process, from its setup on. */
class Worker {
  readonly tokens: TokenIndex;
  readonly #setup: WorkerSetup;
  #certificate: Certificate | undefined;
  #gateway: Gateway | undefined;
  readonly #busyTime = new BusyTime();

  constructor(setup: WorkerSetup) {
    const { isLocalOnly } = setup;
    this.#setup = setup;
    this.tokens = new TokenIndex({ wallTime: () => systemClock.wallTime(), isLocalOnly });
  }

  async prepare(): Promise<void> {
    const { certificate } = this.#setup;
    if (certificate !== undefined) {
      const { cert, key } = certificate;
      const original = { ...certificate, cert: Buffer.from(cert), key: Buffer.from(key) };
      // If the files have been replaced by unusable ones, the worker serves the host's certificate, and logs the fault.
      this.#certificate = await readCertificate(certificate).catch(() => original);
    }
    send({ type: "started" });
  }

  async listen(port: number): Promise<void> {
    const { bind, limits, ticketKeys, consoleHosts } = this.#setup;
    try {
      this.#gateway = await openGateway({
        bind,
        port,
        router,
        access: this.tokens,
        limits,
        readiness,
        certificate: this.#certificate,
        consoleHosts,
        shared: { ticketKeys: Buffer.from(ticketKeys, "base64") },
        clock: systemClock,
        log: (level, part, event, fields) => send({ type: "log", level, part, event, fields }),
      });
      send({ type: "listening" });
      this.#sendCounts();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      send({ type: "failed", reason: message, code });
      exit(EXIT_CANNOT_START);
    }
  }

  #sendCounts(): void {
    if (this.#gateway === undefined) return;
    const counts = { ...this.#gateway.counts(), busyRatio: this.#busyTime.next() };
    send({ type: "counts", counts });
    systemClock.setTimeout(() => this.#sendCounts(), COUNTS_EVERY_MS);
  }

  /** Takes no new connections, and exits when the open ones have ended. */
  async close(): Promise<void> {
    await this.#gateway?.close();
    exit(0);
  }
}

/** Exits after all messages to the host have been sent. */
function exit(status: number): void {
  link.flush();
  socket.end(() => process.exit(status));
}

function send(message: WorkerEvent): void {
  link.control(message);
}
