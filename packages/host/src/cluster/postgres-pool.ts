import { LeverError } from "@leveros/protocol";
import { databaseError } from "./postgres-error.ts";
import type { PostgresServers } from "./postgres-servers.ts";
import type { PostgresSession } from "./postgres-session.ts";

/** Work that waits for a connection. When a database is away, more of it would only fail later. */
const WAITING_MAX = 1_000;

/** A few connections for work that must not wait for other work. They are opened when they are needed, and stay. */
export class PostgresPool {
  readonly #servers: PostgresServers;
  readonly #sessionsMax: number;
  readonly #idle: PostgresSession[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(servers: PostgresServers, { sessionsMax }: { sessionsMax: number }) {
    this.#servers = servers;
    this.#sessionsMax = sessionsMax;
  }

  /**
   * Runs work with a connection of its own. `action` completes "Cannot …".
   * @throws LeverError `unavailable` for an error of the database.
   */
  async use<Result>(
    action: string,
    work: (session: PostgresSession) => Promise<Result>,
  ): Promise<Result> {
    await this.#takeTurn();
    try {
      const session = await this.#session();
      try {
        return await work(session);
      } finally {
        if (session.isOpen) this.#idle.push(session);
      }
    } catch (error) {
      throw databaseError(action, error);
    } finally {
      this.#endTurn();
    }
  }

  async #takeTurn(): Promise<void> {
    if (this.#busy < this.#sessionsMax) {
      this.#busy++;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) {
      throw new LeverError("unavailable", "Cannot ask the database: too much waits for it.", {
        retryAfterSeconds: 1,
      });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #endTurn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy--;
    else next();
  }

  async #session(): Promise<PostgresSession> {
    for (let session = this.#idle.pop(); session; session = this.#idle.pop()) {
      if (session.isOpen) return session;
    }
    return await this.#servers.connect();
  }
}
