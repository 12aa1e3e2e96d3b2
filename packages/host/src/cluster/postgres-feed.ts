import type { Clock } from "../clock.ts";
import { Emitter } from "../emitter.ts";
import type { Log } from "../logs/log.ts";
import type { StoredChange } from "../store/change.ts";
import { numberOf, type Row, textOf } from "../store/rows.ts";
import { databaseReason } from "./postgres-error.ts";
import { HOSTS_CHANNEL } from "./postgres-leases.ts";
import type { PostgresServers } from "./postgres-servers.ts";
import type { PostgresSession } from "./postgres-session.ts";

const POLL_MS = 500;
const CHECK_MS = 10_000;
const CHANGES_AT_ONCE = 500;
const RECONNECT_MS = 250;

/** The last change that a replica has applied. */
export interface FeedPosition {
  readonly generation: number;
  readonly revision: number;
  /** `""` at revision 0. */
  readonly nonce: string;
}

/** A host's copy of the state. */
export interface Replica {
  /** Read again after `reload`. */
  position(): FeedPosition;
  /** Resolves when the change and its position survive a crash. */
  apply(change: StoredChange): Promise<void>;
  /** Replaces everything by what the database has. `reason` is the end of a sentence. */
  reload(reason: string): Promise<void>;
}

export interface FeedOptions {
  readonly servers: PostgresServers;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Follows the changes of the cluster.
 *
 * - PG7. The replica gets each revision once, in order, without gaps.
 * - PG8. The replica never stays on a change that a fail-over has lost: it is reloaded. Its nonce is compared with each
 *   reconnect and every 10 s.
 */
export class PostgresFeed {
  readonly #options: FeedOptions;
  /** A host has applied a change. It is a hint, which may be lost. */
  readonly hostsMoved: Emitter<void> = new Emitter();
  #wake: (() => void) | undefined;
  #isWoken = false;
  #isClosed = false;
  #ended: Promise<void> | undefined;
  #session: PostgresSession | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  start(): void {
    this.#ended ??= this.#run();
  }

  /**
   * Brings the replica up to date, once, before `start`.
   * @throws LeverError `unavailable`; the error of the database or of the replica
   */
  async catchUp(): Promise<void> {
    const session = await this.#options.servers.connect();
    try {
      await this.#check(session);
      await this.#pull(session);
    } finally {
      await session.close();
    }
  }

  /** Looks for changes now: this host has written one. */
  wake(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  /** May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.wake();
    this.#session?.destroy();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    let reported = "";
    while (!this.#isClosed) {
      try {
        await this.#follow(() => {
          if (reported !== "") log("info", "cluster", "database answers again");
          reported = "";
        });
      } catch (error) {
        this.#session?.destroy();
        if (this.#isClosed) return;
        const reason = error instanceof Error ? error.message : databaseReason(error);
        if (reported === "") log("warn", "cluster", "changes not followed", { reason });
        reported = reason;
        await this.#sleep(RECONNECT_MS);
      }
    }
  }

  /** Follows over one connection until it breaks. */
  async #follow(onAnswer: () => void): Promise<void> {
    const { servers, clock } = this.#options;
    const session = await servers.connect();
    this.#session = session;
    session.onNotification((channel) => {
      if (channel === HOSTS_CHANNEL) this.hostsMoved.emit();
      else this.wake();
    });
    await session.query("LISTEN lever_changes");
    await session.query(`LISTEN ${HOSTS_CHANNEL}`);
    let checkAt = clock.now();
    while (!this.#isClosed) {
      this.#isWoken = false;
      if (clock.now() >= checkAt) {
        await servers.lookForPromotion();
        await this.#check(session);
        checkAt = clock.now() + CHECK_MS;
      }
      await this.#pull(session);
      onAnswer();
      await this.#sleep(POLL_MS);
    }
  }

  /** PG8 */
  async #check(session: PostgresSession): Promise<void> {
    const { replica } = this.#options;
    const { revision, nonce } = replica.position();
    if (revision === 0) return;
    const { rows } = await session.query("SELECT nonce FROM changes WHERE revision = $1", [
      revision,
    ]);
    const reason = lossOf(rows[0], nonce);
    if (reason !== undefined) await this.#reload(reason);
  }

  /** PG7 */
  async #pull(session: PostgresSession): Promise<void> {
    const { replica } = this.#options;
    for (;;) {
      const { generation, revision } = replica.position();
      const { rows } = await session.query(CHANGES, [revision, CHANGES_AT_ONCE]);
      const [first = {}] = rows;
      if (numberOf(first["generation"]) !== generation) {
        return await this.#reload(
          generation === 0 ? "this host is new in the cluster" : "a backup was restored",
        );
      }
      if (numberOf(first["head"]) < revision) return await this.#reload(LOST);
      if (first["revision"] === null) return;
      if (first["revision"] !== revision + 1) {
        return await this.#reload("this host was away for too many changes");
      }
      for (const row of rows) await replica.apply(storedChangeOf(row));
      if (rows.length < CHANGES_AT_ONCE) return;
    }
  }

  async #reload(reason: string): Promise<void> {
    const { replica, log } = this.#options;
    if (replica.position().generation === 0) log("info", "cluster", "state copied");
    else log("warn", "cluster", "state reloaded", { reason });
    await replica.reload(reason);
    this.wake();
  }

  /** Waits for so long, or until `wake`. */
  async #sleep(ms: number): Promise<void> {
    if (this.#isWoken && !this.#isClosed) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(resolve, ms);
      this.#wake = () => {
        clock.clearTimeout(timer);
        resolve();
      };
      if (this.#isClosed) this.#wake();
    });
    this.#wake = undefined;
  }
}

const LOST = "the database has lost its last changes in a fail-over";

function lossOf(row: Row | undefined, nonce: string): string | undefined {
  return row?.["nonce"] === nonce ? undefined : LOST;
}

/** The head comes with every answer, so that one statement finds a restore and a lost revision, too. */
const CHANGES = `
  SELECT c.generation, c.revision AS head, n.revision, n.nonce, n.value
  FROM cluster c LEFT JOIN LATERAL (
    SELECT revision, nonce, value FROM changes WHERE revision > $1 ORDER BY revision LIMIT $2
  ) n ON true ORDER BY n.revision`;

export function storedChangeOf(row: Row): StoredChange {
  return {
    revision: numberOf(row["revision"]),
    nonce: textOf(row["nonce"]),
    change: JSON.parse(textOf(row["value"])),
  };
}
