/**
 * The program of a worker: a gateway on the port that all workers share, with its link to the host as file descriptor 3.
 * It knows what the host tells it, and its calls go to the host's router. It ends when the host says so, or its link does.
 */
import fs from "node:fs";
import { Socket } from "node:net";
import { attachLink, inheritedMemory, LINK_FD, LINK_MESSAGE_BYTES_MAX } from "@leveros/protocol";
import { TokenIndex } from "../access/token-index.ts";
import { systemClock } from "../clock.ts";
import { openGateway } from "../gateway/gateway.ts";
import type { Listener } from "../gateway/listener.ts";
import { type Certificate, readCertificate } from "../gateway/tls/certificate.ts";
import type { WorkerCommand, WorkerEvent, WorkerSetup } from "./messages.ts";
import { RemoteRouter } from "./remote-router.ts";

const EXIT_CANNOT_LISTEN = 1;

const socket = new Socket({ fd: LINK_FD, readable: true, writable: true });
const link = attachLink(socket, {
  side: "instance",
  messageBytesMax: LINK_MESSAGE_BYTES_MAX,
  callsMax: 0,
  shared: inheritedMemory(fs),
  onCall: () => {
    throw new Error("Cannot take a call: they go to the host only.");
  },
  onControl: (message) => onCommand(message as WorkerCommand),
  // Without its host it has nobody to pass calls on to, and must not keep the port.
  onClose: () => process.exit(0),
});
const router = new RemoteRouter(link);
let worker: Worker | undefined;
let chunks = "";

// Ctrl-C in a terminal, and TERM of a supervisor, reach the host as well, which stops its workers in order.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

function onCommand(message: WorkerCommand): void {
  switch (message.type) {
    case "setup":
      worker = new Worker(message.setup);
      void worker.prepare();
      return;
    case "environment": {
      const { name, access } = message;
      router.setEnvironment(
        name,
        access && { ...access, corsOrigins: new Set(access.corsOrigins) },
      );
      return;
    }
    case "token":
      if (message.isKnown) worker?.tokens.add(message.record);
      else worker?.tokens.remove(message.record);
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
      const whole = chunks;
      chunks = "";
      onCommand(JSON.parse(whole) as WorkerCommand);
      return;
    }
  }
}

/** What it is from its setup on. */
class Worker {
  readonly tokens: TokenIndex;
  readonly #setup: WorkerSetup;
  #certificate: Certificate | undefined;
  #gateway: Listener | undefined;

  constructor(setup: WorkerSetup) {
    const { isLocalOnly } = setup;
    this.#setup = setup;
    this.tokens = new TokenIndex({ wallTime: Date.now, isLocalOnly });
  }

  async prepare(): Promise<void> {
    const { certificate } = this.#setup;
    if (certificate !== undefined) {
      const { cert, key } = certificate;
      const atFirst = { ...certificate, cert: Buffer.from(cert), key: Buffer.from(key) };
      // Replaced files that cannot be used are no reason to serve nobody: the gateway looks after them, and tells.
      this.#certificate = await readCertificate(certificate).catch(() => atFirst);
    }
    send({ type: "started" });
  }

  async listen(port: number): Promise<void> {
    const { bind, limits, ticketKeys } = this.#setup;
    try {
      this.#gateway = await openGateway({
        bind,
        port,
        router,
        access: this.tokens,
        limits,
        certificate: this.#certificate,
        shared: { ticketKeys: Buffer.from(ticketKeys, "base64") },
        clock: systemClock,
        log: (level, part, event, fields) => send({ type: "log", level, part, event, fields }),
      });
      send({ type: "listening" });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      send({ type: "failed", reason: message, code });
      exit(EXIT_CANNOT_LISTEN);
    }
  }

  /** Takes no new connections, and leaves when those that are there have ended. */
  async close(): Promise<void> {
    await this.#gateway?.close();
    exit(0);
  }
}

/** What it has told the host is still on its way: it goes out before the process ends. */
function exit(status: number): void {
  link.flush();
  socket.end(() => process.exit(status));
}

function send(message: WorkerEvent): void {
  link.control(message);
}
