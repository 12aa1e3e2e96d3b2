import { Socket } from "node:net";
import { Client, types } from "pg";
import type { Clock } from "../clock.ts";
import { numberOf, type Row, textOf } from "../store/rows.ts";
import { AnswerWithWarning, DatabaseTimeout, NoTls } from "./postgres-error.ts";
import { findPassword } from "./postgres-password.ts";
import { withNames } from "./postgres-rows.ts";
import type { DatabaseAddress } from "./postgres-url.ts";

/** For connecting, and for statements that hosts' leases wait for. */
export const SHORT_MS = 1_000;
/** For every other statement. */
const STATEMENT_MS = 2_500;
/** Shorter than a statement, so that the server answers. */
const LOCK_MS = 1_500;
/** `N`: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL */
const NO_TLS = 0x4e;
/** A host that died in a transaction holds its locks for so long. */
const IDLE_IN_TRANSACTION_MS = 3_000;

/**
 * Settings of each connection; the server's or the role's own may differ. Warnings must arrive, since one of them means that an
 * acknowledged COMMIT may be lost. No statement may be cancelled by a time-out of the server: a cancelled COMMIT is acknowledged.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  search_path: "lever",
  synchronous_commit: "on",
  default_transaction_isolation: "read committed",
  client_min_messages: "warning",
  statement_timeout: "0",
  lock_timeout: String(LOCK_MS),
  idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
  bytea_output: "hex",
};

const GREETING = `
  SELECT ${Object.keys(SETTINGS).map((_, at) => `set_config($${2 * at + 1}, $${2 * at + 2}, false)`)},
    current_setting('server_version_num')::int AS version,
    (SELECT system_identifier::text FROM pg_control_system()) AS system,
    NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable,
    CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline`;

/** A server of PostgreSQL, as it answers a new connection. */
export interface ServerFacts {
  readonly address: DatabaseAddress;
  /** As in `server_version_num`: 150018 is 15.18. */
  readonly version: number;
  /** A primary and its standbys have the same one. */
  readonly systemIdentifier: string;
  readonly isWritable: boolean;
  /** Eight hexadecimal digits, higher after each promotion; `""` = it is a standby. */
  readonly timeline: string;
}

export interface SessionOptions {
  readonly clock: Clock;
  /** Multiplies all time-outs. Tests run on loaded machines. */
  readonly patience: number;
}

export interface Answer {
  readonly rows: readonly Row[];
  /** Rows that the statement returned or changed. */
  readonly count: number;
}

/** Numbers of 64 bits arrive as numbers: revisions and epochs stay below 2 ** 53. */
const INT8 = 20;
const parsers = {
  getTypeParser: (oid: number, format: "text" | "binary" = "text") =>
    oid === INT8 ? Number : types.getTypeParser(oid, format),
};

/**
 * One connection to PostgreSQL. Statements that are given at once are sent at once, and carried out in their order. One that
 * gets no answer in time ends the connection.
 */
export class PostgresSession {
  readonly facts: ServerFacts;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #socket: Socket;
  #warnings = 0;
  #end: Error | undefined;

  /** @throws the error of the system, of PostgreSQL, or DatabaseTimeout */
  static async open(address: DatabaseAddress, options: SessionOptions): Promise<PostgresSession> {
    const { host, port, database, user, tls } = address;
    const socket = new Socket();
    const client = new Client({
      ...{ host, port, database, user, application_name: "lever" },
      // A function: without a password, the client itself would look for one.
      password: () => findPassword(address) ?? "",
      ssl: tlsOptions(tls),
      stream: () => socket,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      types: parsers,
      pipeline: true,
    });
    // An unexpected end also rejects the statement that waits.
    client.on("error", () => {});
    // The answer to the request for TLS; the error of `pg` has no code.
    let hasNoTls = false;
    if (tls !== "off") {
      socket.once("data", ([answer]: Buffer) => {
        hasNoTls = answer === NO_TLS;
      });
    }
    let isLate = false;
    const timer = options.clock.setTimeout(() => {
      isLate = true;
      socket.destroy();
    }, SHORT_MS * options.patience);
    try {
      await client.connect();
      const { rows } = await client.query<Row>(GREETING, Object.entries(SETTINGS).flat());
      const facts = factsOf(address, rows[0] ?? {});
      return new PostgresSession(facts, { client, socket, options });
    } catch (error) {
      socket.destroy();
      if (isLate) throw new DatabaseTimeout("connect");
      throw hasNoTls ? new NoTls("The server has no TLS.", { cause: error }) : error;
    } finally {
      options.clock.clearTimeout(timer);
    }
  }

  private constructor(
    facts: ServerFacts,
    { client, socket, options }: { client: Client; socket: Socket; options: SessionOptions },
  ) {
    this.facts = facts;
    this.#client = client;
    this.#socket = socket;
    this.#clock = options.clock;
    this.#patience = options.patience;
    client.on("notice", () => {
      this.#warnings++;
    });
    client.on("end", () => {
      this.#end ??= new Error("The connection has ended.");
    });
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /**
   * Outside of a transaction, the answer means that the standby has what was written: with a warning, it may not.
   * @throws the error of PostgreSQL or of the connection, DatabaseTimeout, AnswerWithWarning
   */
  async query(
    text: string,
    values: readonly unknown[] = [],
    timeoutMs: number = STATEMENT_MS,
  ): Promise<Answer> {
    const before = this.#warnings;
    const { rows, rowCount } = await this.#run(text, values, timeoutMs);
    if (this.#warnings !== before) throw new AnswerWithWarning(text);
    return { rows: rows.map(withNames), count: rowCount ?? 0 };
  }

  /**
   * Ends a transaction. `unknown`: it may be written, or not, or be lost later. A warning means that PostgreSQL no longer
   * waited for its standby.
   * @throws when nothing is written.
   */
  async commit(): Promise<"committed" | "unknown"> {
    const before = this.#warnings;
    let command: string;
    try {
      ({ command } = await this.#run("COMMIT", [], STATEMENT_MS));
    } catch {
      this.destroy();
      return "unknown";
    }
    if (command !== "COMMIT") throw new Error("PostgreSQL has rolled back the transaction.");
    return this.#warnings === before ? "committed" : "unknown";
  }

  /** Runs work between BEGIN and ROLLBACK, for an error in it, or its own `commit`. */
  async inTransaction<Result>(work: () => Promise<Result>, begin = "BEGIN"): Promise<Result> {
    await this.query(begin);
    try {
      return await work();
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  async rollback(): Promise<void> {
    if (this.isOpen) await this.query("ROLLBACK").catch(() => this.destroy());
  }

  onNotification(listener: (channel: string) => void): void {
    this.#client.on("notification", ({ channel }) => listener(channel));
  }

  /** Calls back once, when the connection has ended. */
  onEnd(listener: () => void): void {
    this.#client.once("end", listener);
  }

  /** Ends the connection, with a word to the server if it still reads. */
  async close(): Promise<void> {
    this.#end ??= new Error("The connection was closed.");
    const timer = this.#clock.setTimeout(() => this.#socket.destroy(), SHORT_MS);
    await this.#client.end();
    this.#clock.clearTimeout(timer);
  }

  /** Ends the connection at once. A statement that waits is rejected. */
  destroy(error: Error = new Error("The connection was closed.")): void {
    this.#end ??= error;
    this.#socket.destroy();
  }

  async #run(
    text: string,
    values: readonly unknown[],
    timeoutMs: number,
  ): Promise<{ rows: Row[]; rowCount: number | null; command: string }> {
    if (this.#end !== undefined) throw this.#end;
    let timeout: DatabaseTimeout | undefined;
    const timer = this.#clock.setTimeout(() => {
      timeout = new DatabaseTimeout(text);
      this.destroy(timeout);
    }, timeoutMs * this.#patience);
    try {
      const result = await this.#client.query<Row>(text, [...values]);
      // Several statements at once have several results.
      const [last = result] = [result].flat().slice(-1);
      return last;
    } catch (error) {
      throw timeout ?? error;
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }
}

function tlsOptions(
  tls: DatabaseAddress["tls"],
): false | { rejectUnauthorized: boolean; ca?: string } {
  if (tls === "off") return false;
  if (tls === "unchecked") return { rejectUnauthorized: false };
  return {
    rejectUnauthorized: true,
    ...(tls.authorities !== undefined && { ca: tls.authorities }),
  };
}

function factsOf(address: DatabaseAddress, row: Row): ServerFacts {
  return {
    address,
    version: numberOf(row["version"]),
    systemIdentifier: textOf(row["system"]),
    isWritable: row["writable"] === true,
    timeline: textOf(row["timeline"]),
  };
}
