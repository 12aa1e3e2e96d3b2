import { LeverError } from "@leveros/protocol";
import { type Clock, systemClock } from "../clock.ts";
import type { Row } from "../store/rows.ts";
import { VERSION_MIN } from "./choose-server.ts";
import { clockAheadMs, clockFault } from "./database-clock.ts";
import { databaseReason } from "./postgres-error.ts";
import { readCluster } from "./postgres-schema.ts";
import { PostgresSession } from "./postgres-session.ts";
import { SESSIONS_MAX } from "./postgres-store.ts";
import { type DatabaseAddress, parseDatabaseUrl } from "./postgres-url.ts";

/** Something that a cluster needs of its database, or that its operator should know. */
export interface DatabaseFinding {
  readonly what: string;
  /** undefined = it is missing. */
  readonly found?: string;
  readonly remedy?: string;
}

const FACTS = `
  SELECT current_setting('server_version') AS release, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS pages, current_setting('synchronous_standby_names') AS standbys,
    current_setting('max_connections')::int AS connections, current_user AS role,
    has_database_privilege(current_database(), 'CREATE') AS "mayCreate",
    pg_has_role(current_user, 'pg_signal_backend', 'MEMBER') AS "maySignal"`;

/** Checks a server of a cluster's database. @throws LeverError `malformed_request` for a URL */
export async function checkDatabase(
  url: string,
  { wallTime }: Pick<Clock, "wallTime"> = systemClock,
): Promise<readonly DatabaseFinding[]> {
  const address = parseDatabaseUrl(url);
  const what = `server ${address.name}`;
  let session: PostgresSession;
  try {
    session = await PostgresSession.open(address, { clock: systemClock, patience: 3 });
  } catch (error) {
    const reason = error instanceof LeverError ? error.message : databaseReason(error);
    return [{ what, remedy: `It cannot be used: ${reason}.` }];
  }
  try {
    const { rows } = await session.query(FACTS);
    const { version, isWritable } = session.facts;
    const [row = {}] = rows;
    const release = `PostgreSQL ${row["release"]}`;
    const isNew = version >= VERSION_MIN;
    return [
      isNew ? { what, found: release } : { what, remedy: `${release}: Lever needs 14 or newer.` },
      isWritable
        ? { what: "writable", found: "it is the primary" }
        : { what: "writable", remedy: "It is a standby: give the URL of its primary, too." },
      ...findingsOf(row),
      tlsOf(address),
      clockOf(await clockAheadMs(session, wallTime)),
      await clusterOf(session, row),
    ];
  } finally {
    await session.close();
  }
}

function findingsOf(row: Row): readonly DatabaseFinding[] {
  const hosts = Math.floor(Number(row["connections"]) / SESSIONS_MAX);
  const isDurable = row["fsync"] === "on" && row["pages"] === "on";
  return [
    isDurable
      ? { what: "durable", found: "fsync and full_page_writes are on" }
      : {
          what: "durable",
          remedy: "Set fsync and full_page_writes to on: a crash of the machine loses changes.",
        },
    {
      what: "standby",
      found:
        row["standbys"] === ""
          ? "no synchronous one: a change survives a restart of the server, and not its loss"
          : `synchronous: ${row["standbys"]}. With one, changes wait while it is away; with two, use ANY 1`,
    },
    {
      what: "connections",
      found: `${row["connections"]}: enough for ${hosts} hosts of ${SESSIONS_MAX}`,
    },
    row["mayCreate"] === true
      ? { what: "rights", found: `the role ${row["role"]} may create Lever's tables` }
      : {
          what: "rights",
          remedy: `Let the role own the database: ALTER DATABASE NAME OWNER TO ${row["role"]}`,
        },
    row["maySignal"] === true
      ? {
          what: "no signals",
          remedy: `The role may cancel statements, which can lose changes: REVOKE pg_signal_backend FROM ${row["role"]}, and use no superuser.`,
        }
      : { what: "no signals", found: "the role cannot cancel statements of others" },
  ];
}

function tlsOf({ tls }: DatabaseAddress): DatabaseFinding {
  if (tls === "off")
    return { what: "TLS", found: "off (sslmode=disable, the default on loopback)" };
  if (tls === "unchecked") {
    return { what: "TLS", remedy: "Any server may answer: use sslmode=verify-full." };
  }
  return { what: "TLS", found: "the server's certificate is checked" };
}

function clockOf(aheadMs: number): DatabaseFinding {
  const remedy = clockFault(aheadMs);
  return remedy === undefined
    ? { what: "clock", found: "that of this machine shows the same time" }
    : { what: "clock", remedy };
}

async function clusterOf(session: PostgresSession, { role }: Row): Promise<DatabaseFinding> {
  const what = "cluster";
  try {
    const cluster = await readCluster(session);
    if (cluster === undefined) return { what, found: "none: the first host founds one (--found)" };
    const { id, keyId, isFounded } = cluster;
    if (!isFounded) return { what, remedy: "It is not founded completely: start its first host." };
    return { what, found: `${id}, sealed with the key ${keyId}` };
  } catch (error) {
    const reason = error instanceof LeverError ? error.message : databaseReason(error);
    return { what, remedy: `The role ${role} cannot read it: ${reason}.` };
  }
}
