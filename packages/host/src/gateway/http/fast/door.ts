import type { Socket } from "node:net";
import type { DoorOptions } from "../../door-options.ts";
import { BodyBuffers } from "./body-buffers.ts";
import { FastConnection } from "./fast-connection.ts";
import type { FastOptions } from "./fast-options.ts";
import { KnownHeads } from "./known-heads.ts";
import type { FastShared } from "./reply.ts";

/** Connections are checked for timeouts this often. */
const TICK_MS = 1_000;
/** The interval for timeouts that are shorter than that, as in tests. */
const TICK_MS_MIN = 20;

/** The fast path: HTTP/1.1 connections of plain requests, which most calls are. See README.md in this folder. */
export class FastConnections {
  readonly #options: FastOptions;
  readonly connections: Set<FastConnection> = new Set();
  readonly #shared: { -readonly [Name in keyof FastShared]: FastShared[Name] };
  #timer: unknown;
  #isClosed = false;

  constructor(options: DoorOptions, handOver: FastOptions["handOver"]) {
    const { replies, limits } = options;
    this.#shared = {
      now: 0,
      isClosing: false,
      sampledEach: limits.traceSampledEach,
      sampledPerSecondMax: limits.traceSampledPerSecondMax,
      replies,
      keepAliveTail: "",
      closeTail: "",
    };
    this.#options = {
      ...options,
      shared: this.#shared,
      buffers: new BodyBuffers(),
      heads: new KnownHeads(),
      handOver,
      open: this.connections,
    };
    this.#tick();
    options.closing.addEventListener("abort", () => this.#drain());
  }

  /** Takes a new connection of HTTP, and hands it over if a request on it is not plain. */
  take(socket: Socket): void {
    this.connections.add(new FastConnection(socket, this.#options));
  }

  /** No further connection comes. */
  close(): void {
    this.#isClosed = true;
    this.#drain();
    if (this.connections.size === 0) this.#options.clock.clearTimeout(this.#timer);
  }

  /** Closes idle connections at once, and the others after their response. */
  #drain(): void {
    this.#shared.isClosing = true;
    for (const connection of this.connections) if (connection.isIdle) connection.close();
  }

  #tick(): void {
    const { clock, limits, buffers } = this.#options;
    const shared = this.#shared;
    // An integer is stored without an allocation.
    shared.now = Math.floor(clock.now());
    buffers.shrink();
    const date = new Date(clock.wallTime()).toUTCString();
    const seconds = Math.floor(limits.idleConnectionTimeoutMs / 1_000);
    shared.keepAliveTail = `\r\ndate: ${date}\r\nconnection: keep-alive\r\nkeep-alive: timeout=${seconds}\r\n\r\n`;
    shared.closeTail = `\r\ndate: ${date}\r\nconnection: close\r\n\r\n`;
    for (const connection of this.connections) {
      connection.onTick(shared.now);
    }
    if (this.#isClosed && this.connections.size === 0) return;
    const { headersTimeoutMs, requestTimeoutMs, idleConnectionTimeoutMs } = limits;
    const shortest = Math.min(headersTimeoutMs, requestTimeoutMs, idleConnectionTimeoutMs);
    const delayMs = Math.min(TICK_MS, Math.max(TICK_MS_MIN, shortest / 4));
    this.#timer = clock.setTimeout(() => this.#tick(), delayMs);
  }
}
