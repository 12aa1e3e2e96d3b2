import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";

/** A connection as the one that has it sees it. */
export interface HeldConnection {
  /** The clock's time since which nothing is in progress on it; undefined = something is. */
  readonly idleSince: number | undefined;
  close(): void;
}

interface ConnectionsOptions {
  readonly connectionsMax: number;
  /** All connections, by the parts that have them. */
  readonly held: readonly Iterable<HeldConnection>[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Idle connections that one search finds. With fewer, each new connection at the limit would search through all. */
const FOUND_MAX = 256;
/** Time without a search after one that found nothing. */
const SEARCH_PAUSE_MS = 10;
/** The limit is logged again once so many connections have closed. */
const REPORT_AGAIN_BELOW = 0.9;

/** Counts the connections of a gateway. At the limit, a new one takes the place of the one that is idle for the longest. */
export class Connections {
  readonly #options: ConnectionsOptions;
  #count = 0;
  #isReported = false;
  /** Found by the last search; the longest idle one is at the end. */
  #found: { readonly connection: HeldConnection; readonly idleSince: number }[] = [];
  #searchAt = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** False = there are too many, and none is idle: the connection must be refused, and is not counted. */
  admit(socket: Socket): boolean {
    if (this.#count >= this.#options.connectionsMax) {
      this.#report();
      if (!this.#closeIdle()) return false;
    }
    this.#count++;
    socket.on("close", this.#onClose);
    return true;
  }

  readonly #onClose = (): void => {
    this.#count--;
    if (this.#count < this.#options.connectionsMax * REPORT_AGAIN_BELOW) this.#isReported = false;
  };

  #closeIdle(): boolean {
    if (this.#closeFound()) return true;
    const now = this.#options.clock.now();
    if (now < this.#searchAt) return false;
    this.#search();
    if (this.#closeFound()) return true;
    this.#searchAt = now + SEARCH_PAUSE_MS;
    return false;
  }

  /** Closes the first that has stayed idle since it was found. */
  #closeFound(): boolean {
    for (let next = this.#found.pop(); next !== undefined; next = this.#found.pop()) {
      if (next.connection.idleSince !== next.idleSince) continue;
      next.connection.close();
      return true;
    }
    return false;
  }

  #search(): void {
    const idle = [];
    for (const connections of this.#options.held) {
      for (const connection of connections) {
        const { idleSince } = connection;
        if (idleSince !== undefined) idle.push({ connection, idleSince });
      }
    }
    idle.sort((a, b) => a.idleSince - b.idleSince);
    this.#found = idle.slice(0, FOUND_MAX).reverse();
  }

  #report(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const { connectionsMax, log } = this.#options;
    log("warn", "gateway", "connection limit reached", { connectionsMax });
  }
}
