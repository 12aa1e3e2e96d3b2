import { LeverError } from "@leveros/protocol";
import type { Log } from "../logs/log.ts";
import type { HostNotes } from "../store/host-notes.ts";
import { chooseServer, type KnownDatabase } from "./choose-server.ts";
import { databaseReason, isAway } from "./postgres-error.ts";
import { PostgresSession, type SessionOptions } from "./postgres-session.ts";
import type { DatabaseAddress } from "./postgres-url.ts";

/** Remembers `KnownDatabase` as a text, on the host's own disk. */
export interface DatabaseMemory {
  read(): Promise<string | undefined>;
  /** Resolves when the text survives a crash. */
  write(text: string): Promise<void>;
}

/** The note of a host. */
export const DATABASE = "cluster database";

/** The memory in a note of this host. */
export function memoryIn(notes: Pick<HostNotes, "read" | "write">): DatabaseMemory {
  return {
    read: () => notes.read(DATABASE),
    write: (text) => notes.write(DATABASE, text),
  };
}

export interface ServersOptions extends SessionOptions {
  readonly addresses: readonly DatabaseAddress[];
  readonly memory: DatabaseMemory;
  readonly log: Log;
}

const FIRST_DELAY_MS = 50;
const DELAY_MAX_MS = 1_000;

/**
 * The servers of the cluster's database: a primary and its standbys, by their addresses.
 *
 * - PG1. Only the writable server with the highest timeline of all that answer is used.
 * - PG2. A server of another database, or with a lower timeline than one that was ever used, is refused.
 * - PG3. When a higher timeline is seen, connections to servers with a lower one end.
 */
export class PostgresServers {
  readonly #options: ServersOptions;
  readonly #sessions = new Set<PostgresSession>();
  #known: KnownDatabase | undefined;
  /** Resolves when `#known` is on the disk. */
  #written: Promise<void> = Promise.resolve();
  #failures = 0;
  #lastFailure: unknown;
  #retryAt = 0;
  #isClosed = false;

  static async open(options: ServersOptions): Promise<PostgresServers> {
    return new PostgresServers(options, parseKnown(await options.memory.read()));
  }

  private constructor(options: ServersOptions, known: KnownDatabase | undefined) {
    this.#options = options;
    this.#known = known;
  }

  /** Grows with each promotion that this host has seen; "" = none was seen yet. */
  get timeline(): string {
    return this.#known?.timeline ?? "";
  }

  /**
   * A new connection to the writable server. After a failure, the next attempts wait for a growing time.
   * @throws LeverError `unavailable`
   */
  async connect(): Promise<PostgresSession> {
    const { clock } = this.#options;
    if (this.#isClosed) throw unreachable("the host is stopping");
    if (clock.now() < this.#retryAt) {
      throw unreachable("it did not answer a moment ago", this.#lastFailure);
    }
    try {
      const session = await this.#connectToAll();
      this.#failures = 0;
      this.#retryAt = 0;
      this.#sessions.add(session);
      session.onEnd(() => this.#sessions.delete(session));
      if (this.#isClosed) session.destroy();
      return session;
    } catch (error) {
      const delayMs = Math.min(DELAY_MAX_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#failures, 10));
      this.#failures++;
      this.#lastFailure = error;
      this.#retryAt = clock.now() + delayMs;
      throw error;
    }
  }

  /** Looks at all addresses for a server that was promoted (PG3). With one address there is nothing to look for. */
  async lookForPromotion(): Promise<void> {
    if (this.#options.addresses.length < 2) return;
    const session = await this.#connectToAll();
    await session.close();
  }

  /** Ends all connections. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  async #connectToAll(): Promise<PostgresSession> {
    const { addresses } = this.#options;
    const attempts = await Promise.allSettled(
      addresses.map((address) => PostgresSession.open(address, this.#options)),
    );
    const failures: string[] = [];
    let away: unknown;
    const sessions: PostgresSession[] = [];
    for (const [at, attempt] of attempts.entries()) {
      if (attempt.status === "fulfilled") sessions.push(attempt.value);
      else {
        failures.push(`${addresses[at]?.name}: ${failureOf(attempt.reason)}`);
        // The one to use may be among those that are away.
        if (isAway(attempt.reason)) away ??= attempt.reason;
      }
    }
    const choice = chooseServer(
      sessions.map(({ facts }) => facts),
      this.#known,
    );
    const chosen =
      choice.kind === "use" ? sessions.find(({ facts }) => facts === choice.server) : undefined;
    for (const session of sessions) if (session !== chosen) void session.close();
    if (chosen === undefined) {
      const reasons = choice.kind === "none" && choice.reason !== "" ? [choice.reason] : [];
      throw unreachable([...reasons, ...failures].join("; "), away);
    }
    await this.#remember(chosen);
    return chosen;
  }

  /** PG2: written before the server is used. */
  async #remember(session: PostgresSession): Promise<void> {
    const { systemIdentifier, timeline, address } = session.facts;
    const before = this.#known;
    if (before === undefined || timeline > before.timeline) {
      this.#known = { systemIdentifier, timeline };
      for (const other of this.#sessions) {
        if (other.facts.timeline < timeline) other.destroy();
      }
      if (before !== undefined) {
        const fields = { server: address.name, timeline, before: before.timeline };
        this.#options.log("warn", "cluster", "database promoted", fields);
      }
      this.#written = this.#options.memory.write(JSON.stringify(this.#known));
    }
    try {
      await this.#written;
    } catch (error) {
      session.destroy();
      this.#known = before;
      this.#written = Promise.resolve();
      throw error;
    }
  }
}

function failureOf(error: unknown): string {
  return error instanceof LeverError ? error.message : databaseReason(error);
}

function unreachable(reason: string, cause?: unknown): LeverError {
  return new LeverError("unavailable", `Cannot use the cluster's database: ${reason}.`, {
    retryAfterSeconds: 1,
    cause,
  });
}

function parseKnown(text: string | undefined): KnownDatabase | undefined {
  if (text === undefined) return undefined;
  const known: unknown = JSON.parse(text);
  if (
    typeof known === "object" &&
    known !== null &&
    "systemIdentifier" in known &&
    typeof known.systemIdentifier === "string" &&
    "timeline" in known &&
    typeof known.timeline === "string"
  ) {
    return { systemIdentifier: known.systemIdentifier, timeline: known.timeline };
  }
  throw new Error("Cannot read the note of the database: it has another form.");
}
