import { numberOf, type Row, textOf } from "../store/rows.ts";
import type { HostRow } from "./membership.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { readCluster } from "./postgres-schema.ts";
import { type PostgresSession, SHORT_MS } from "./postgres-session.ts";
import type { SharedVersions } from "./shared-versions.ts";

/** Notifies hosts that one of them has applied a change. */
export const HOSTS_CHANNEL = "lever_hosts";

/** A host as it announces itself. */
export interface AnnouncedHost extends SharedVersions {
  readonly id: string;
  /** Grows with each start. */
  readonly incarnation: number;
  readonly name: string;
  /** The address of its listener for peers. */
  readonly address: string;
  /** Names its certificate. */
  readonly fingerprint: string;
  readonly appliedRevision: number;
  /** Lever's version. */
  readonly version: string;
}

/** A host as the database has it. */
export interface MemberRow extends AnnouncedHost, HostRow {
  /** An operator has asked it to give everything to other hosts. */
  readonly isDraining: boolean;
  /** It drains, and had no instance and no resource left at its last renewal. */
  readonly isIdle: boolean;
}

export interface Renewal {
  /** False = the incarnation is fenced, and can never renew its lease again. */
  readonly isRenewed: boolean;
  /** Another text after a reconnect, and so after a promotion. */
  readonly session: string;
  readonly hosts: readonly MemberRow[];
}

/**
 * A new incarnation replaces an older one at once. Claims of the older one that run have ended then: they lock its row. The format
 * is not raised meanwhile.
 */
const JOIN = `
  INSERT INTO hosts AS h (id, incarnation, name, address, fingerprint, state, appliedRevision, version,
    formatOldest, formatNewest, linkOldest, linkNewest)
  SELECT $1, $2::bigint, $3, $4, $5, 'active', $6::bigint, $7, $8::int, $9::int, $10::int, $11::int
  FROM (SELECT FROM cluster WHERE format BETWEEN $8::int AND $9::int FOR SHARE) c
  ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, name = excluded.name,
    address = excluded.address, fingerprint = excluded.fingerprint, state = 'active', renewal = 0,
    renewedAt = clock_timestamp(), appliedRevision = excluded.appliedRevision, version = excluded.version,
    formatOldest = excluded.formatOldest, formatNewest = excluded.formatNewest,
    linkOldest = excluded.linkOldest, linkNewest = excluded.linkNewest, idle = false
  WHERE h.incarnation < excluded.incarnation`;

const RENEW = `
  UPDATE hosts SET renewal = renewal + 1, renewedAt = clock_timestamp(), appliedRevision = $3, idle = $4
  WHERE id = $1 AND incarnation = $2 AND state = 'active'`;

const HOSTS = `
  SELECT id, incarnation, name, address, fingerprint, state, renewal, appliedRevision, version,
    formatOldest AS "formatOldest", formatNewest AS "formatNewest",
    linkOldest AS "linkOldest", linkNewest AS "linkNewest",
    draining AS "isDraining", idle AS "isIdle",
    (extract(epoch FROM clock_timestamp() - renewedAt) * 1000)::float8 AS "renewedAgoMs"
  FROM hosts WHERE state <> 'removed' ORDER BY id`;

/** N3. Waits for claims of the host, and never for its renewals: a renewal in between wins. */
const FENCE = `
  UPDATE hosts SET state = 'fenced'
  WHERE id = $1 AND incarnation = $2 AND renewal = $3 AND state = 'active'
    AND renewedAt < clock_timestamp() - $4::float8 * interval '1 ms'`;

const LEAVE =
  "UPDATE hosts SET state = 'left' WHERE id = $1 AND incarnation = $2 AND state = 'active'";

/** Drains of two hosts at once wait for each other here, so that one host that takes calls always stays. */
const LOCK = "SELECT FROM cluster FOR UPDATE";

const DRAIN = `
  UPDATE hosts SET draining = true
  WHERE id = $1 AND state = 'active' AND EXISTS (
    SELECT FROM hosts o WHERE o.id <> $1 AND o.state = 'active' AND NOT o.draining
      AND o.renewedAt > clock_timestamp() - $2::float8 * interval '1 ms')`;

const RESUME = "UPDATE hosts SET draining = false, idle = false WHERE id = $1 AND draining";

/** The row stays: an incarnation that was fenced must never be announced again. */
const REMOVE = `
  UPDATE hosts SET state = 'removed', draining = false
  WHERE id = $1 AND state IN ('fenced', 'left')`;

/** The rows of hosts: their leases (N3, N5 and N6 of the design of leases). Every method throws LeverError `unavailable`. */
export class PostgresLeases {
  readonly #pool: PostgresPool;
  readonly #sessions = new WeakMap<PostgresSession, string>();
  #sessionCount = 0;

  /** The pool has one connection, so that renewals wait for nothing else, and a new connection is noticed. */
  constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  /** False = the database has this incarnation or a newer one: two hosts have the same id. */
  async join(host: AnnouncedHost): Promise<boolean> {
    const { id, incarnation, name, address, fingerprint, appliedRevision, version } = host;
    const { formats, links } = host;
    const announced = [name, address, fingerprint, appliedRevision, version];
    const ranges = [formats.oldest, formats.newest, links.oldest, links.newest];
    const values = [id, incarnation, ...announced, ...ranges];
    if (await this.#changes("join the cluster", JOIN, values)) return true;
    // Throws when the format is the reason.
    await this.#pool.use("read the cluster", (session) => readCluster(session, formats));
    return false;
  }

  /** Renews, and reads all hosts over the same connection. `tells`: the other hosts get a notification (`HOSTS_CHANNEL`). */
  async renew(
    host: Pick<MemberRow, "id" | "incarnation" | "appliedRevision" | "isIdle">,
    { tells = false }: { readonly tells?: boolean } = {},
  ): Promise<Renewal> {
    return await this.#pool.use("renew the lease of this host", async (session) => {
      const values = [host.id, host.incarnation, host.appliedRevision, host.isIdle];
      const [{ count }, { rows }] = await Promise.all([
        session.query(RENEW, values, SHORT_MS),
        session.query(HOSTS, [], SHORT_MS),
        ...(tells ? [session.query(`NOTIFY ${HOSTS_CHANNEL}`, [], SHORT_MS)] : []),
      ]);
      return {
        isRenewed: count === 1,
        session: this.#nameOf(session),
        hosts: rows.map(memberOf),
      };
    });
  }

  /** All hosts, without a renewal. */
  async hosts(): Promise<readonly MemberRow[]> {
    return await this.#pool.use("read the hosts", async (session) =>
      (await session.query(HOSTS, [], SHORT_MS)).rows.map(memberOf),
    );
  }

  /** False = the host was renewed, fenced or replaced meanwhile, or the database's clock says that it is not yet time. */
  async fence(
    { id, incarnation, renewal }: Pick<MemberRow, "id" | "incarnation" | "renewal">,
    { olderThanMs }: { olderThanMs: number },
  ): Promise<boolean> {
    return await this.#changes("fence a host", FENCE, [id, incarnation, renewal, olderThanMs]);
  }

  /** N6. The host has ended everything that owns resources. */
  async leave({ id, incarnation }: Pick<AnnouncedHost, "id" | "incarnation">): Promise<boolean> {
    return await this.#changes("leave the cluster", LEAVE, [id, incarnation]);
  }

  /** False = it is not active, or no other host with a lease would take calls. */
  async drain(id: string, { olderThanMs }: { olderThanMs: number }): Promise<boolean> {
    return await this.#pool.use("drain the host", (session) =>
      session.inTransaction(async () => {
        await session.query(LOCK, [], SHORT_MS);
        const { count } = await session.query(DRAIN, [id, olderThanMs], SHORT_MS);
        if ((await session.commit()) === "unknown")
          throw new Error("The connection broke at COMMIT.");
        return count === 1;
      }),
    );
  }

  /** Also of a host that does not run. False = it does not drain. */
  async resume(id: string): Promise<boolean> {
    return await this.#changes("resume the host", RESUME, [id]);
  }

  /** Removes a host that is fenced or has left. False = it is active, or there is none. */
  async remove(id: string): Promise<boolean> {
    return await this.#changes("remove the host", REMOVE, [id]);
  }

  async #changes(action: string, text: string, values: readonly unknown[]): Promise<boolean> {
    return await this.#pool.use(
      action,
      async (session) => (await session.query(text, values, SHORT_MS)).count === 1,
    );
  }

  #nameOf(session: PostgresSession): string {
    let name = this.#sessions.get(session);
    if (name === undefined) {
      name = `${session.facts.timeline}-${++this.#sessionCount}`;
      this.#sessions.set(session, name);
    }
    return name;
  }
}

function memberOf(row: Row): MemberRow {
  const state = row["state"];
  if (state !== "active" && state !== "fenced" && state !== "left") {
    throw new Error("The state of a host is unknown.");
  }
  return {
    id: textOf(row["id"]),
    incarnation: numberOf(row["incarnation"]),
    name: textOf(row["name"]),
    address: textOf(row["address"]),
    fingerprint: textOf(row["fingerprint"]),
    appliedRevision: numberOf(row["appliedRevision"]),
    version: textOf(row["version"]),
    formats: {
      oldest: numberOf(row["formatOldest"]),
      newest: numberOf(row["formatNewest"]),
    },
    links: { oldest: numberOf(row["linkOldest"]), newest: numberOf(row["linkNewest"]) },
    isDraining: row["isDraining"] === true,
    isIdle: row["isIdle"] === true,
    state,
    renewal: numberOf(row["renewal"]),
    renewedAgoMs: numberOf(row["renewedAgoMs"]),
  };
}
