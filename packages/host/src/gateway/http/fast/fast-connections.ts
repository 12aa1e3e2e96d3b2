import type { Socket } from "node:net";
import type { DoorOptions } from "../../door-options.ts";
import { BodyMemory } from "./body-buffers.ts";
import { FastConnection } from "./fast-connection.ts";
import { HEAD_END, parsePlainHead } from "./plain-head.ts";

/** How often connections are looked at for those that have waited too long. */
const TICK_MS = 1_000;
const TICK_MS_MIN = 20;

/** What a connection needs of the others. */
export interface DirectOptions extends DoorOptions {
  /** Milliseconds, as of the last tick. */
  now(): number;
  isClosing(): boolean;
  /** The end of a head after its content-length, for a connection that is kept, and one that is closed. */
  keeping(): string;
  closing(): string;
  /** Node's own server reads the connection from now on. */
  handOver(socket: Socket): void;
  onLeft(connection: FastConnection): void;
  /** Of bodies that come in pieces. */
  readonly memory: BodyMemory;
}

/**
 * The short way of plain calls: HTTP/1.1 connections whose requests need nothing of what Node's server can do beyond
 * reading a head and a body of known length. Most calls of most callers are so.
 */
export class FastConnections {
  readonly #options: DoorOptions;
  readonly #shared: DirectOptions;
  readonly #connections = new Set<FastConnection>();
  readonly #memory = new BodyMemory();
  #timer: unknown;
  #now: number;
  #keeping = "";
  #closing = "";
  #isClosing = false;

  constructor(options: DoorOptions, handOver: (socket: Socket) => void) {
    this.#options = options;
    this.#now = options.clock.now();
    this.#shared = {
      ...options,
      now: () => this.#now,
      isClosing: () => this.#isClosing,
      keeping: () => this.#keeping,
      closing: () => this.#closing,
      handOver,
      memory: this.#memory,
      onLeft: (connection) => this.#connections.delete(connection),
    };
    this.#tick();
  }

  /** Serves the connection from now on, which begins with `first`; false = that is not plain. */
  take(socket: Socket, first: Buffer): boolean {
    const { limits } = this.#options;
    const end = first.indexOf(HEAD_END) + HEAD_END.length;
    if (end < HEAD_END.length || end > limits.headerBytesMax) return false;
    if (parsePlainHead(first.toString("latin1", 0, end), limits) === undefined) return false;
    this.#connections.add(new FastConnection(socket, this.#shared));
    return true;
  }

  /** No connection is kept: idle ones end at once, the others with their answer. */
  close(): void {
    this.#isClosing = true;
    for (const connection of this.#connections) if (connection.isIdle) connection.close();
    if (this.#connections.size === 0) this.#options.clock.clearTimeout(this.#timer);
  }

  #tick(): void {
    const { clock, limits } = this.#options;
    this.#now = clock.now();
    this.#memory.shrink();
    const date = new Date(clock.wallTime()).toUTCString();
    const seconds = Math.floor(limits.idleConnectionTimeoutMs / 1_000);
    this.#keeping = `\r\ndate: ${date}\r\nconnection: keep-alive\r\nkeep-alive: timeout=${seconds}\r\n\r\n`;
    this.#closing = `\r\ndate: ${date}\r\nconnection: close\r\n\r\n`;
    for (const connection of this.#connections) {
      if (connection.timeoutAt > 0 && connection.timeoutAt <= this.#now) connection.timeOut();
    }
    if (this.#isClosing && this.#connections.size === 0) return;
    const { headersTimeoutMs, requestTimeoutMs, idleConnectionTimeoutMs } = limits;
    const shortest = Math.min(headersTimeoutMs, requestTimeoutMs, idleConnectionTimeoutMs);
    const delayMs = Math.min(TICK_MS, Math.max(TICK_MS_MIN, shortest / 4));
    this.#timer = clock.setTimeout(() => this.#tick(), delayMs);
  }
}
