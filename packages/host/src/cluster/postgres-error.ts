import { LeverError } from "@leveros/protocol";
import { DatabaseError } from "pg";

/** A statement, or a connection, got no answer in time. Its socket is destroyed. */
export class DatabaseTimeout extends Error {
  override readonly name = "DatabaseTimeout";
}

/** PostgreSQL has carried out a statement, but no longer waits for its standby: a fail-over may lose it. */
export class AnswerWithWarning extends Error {
  override readonly name = "AnswerWithWarning";
}

/** The server takes connections without TLS only. */
export class NoTls extends Error {
  override readonly name = "NoTls";
}

/** Reasons and remedies by SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const byState: Readonly<Record<string, string>> = {
  "25006": "the server is read-only. Give the URL of the primary too",
  "28000":
    "the server does not let this role in from here. Add a line for it to the server's pg_hba.conf",
  "28P01":
    "the password of the role is wrong. Set it in the URL, in PGPASSWORD or in the file that PGPASSFILE names",
  "3D000":
    "the database does not exist. Create it, owned by Lever's role: createdb --owner ROLE NAME",
  "3F000": "the schema of Lever is not there. Start a host with --found",
  "42P06": "another host founds a cluster in it at this moment. Start this host without --found",
  "42501":
    "the role has no right to do it. Let the role own the database: ALTER DATABASE NAME OWNER TO ROLE",
  "53100": "the disk of the database is full. Free some of it",
  "53200": "the server of the database has no memory left",
  "53300": "all connections of the server are in use. Raise its max_connections",
  "55P03": "another transaction has held a lock for too long",
  "57P01": "the server of the database is stopping",
  "57P02": "the server of the database has crashed",
  "57P03": "the server of the database is starting",
};

/** Reasons of the system and of TLS, by Node's error codes. */
const byCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: "no server listens there",
  ECONNRESET: "the connection broke",
  EPIPE: "the connection broke",
  ENOENT: "no server listens there",
  EACCES: "Lever's user may not open its socket",
  ENOTFOUND: "the name of the host is unknown",
  EAI_AGAIN: "the name of the host cannot be looked up now",
  EHOSTUNREACH: "the network has no way there",
  ENETUNREACH: "the network has no way there",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "its certificate is not trusted. Name its authority: ?sslrootcert=FILE",
  SELF_SIGNED_CERT_IN_CHAIN:
    "its certificate is not trusted. Name its authority: ?sslrootcert=FILE",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "its certificate is not trusted. Name its authority: ?sslrootcert=FILE",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "its certificate is not trusted. Name its authority: ?sslrootcert=FILE",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
};

/** Why the database did not do something, as the end of a sentence, with a remedy if there is one. */
export function databaseReason(error: unknown): string {
  if (error instanceof DatabaseTimeout) return "the database did not answer in time";
  if (error instanceof AnswerWithWarning) return "the standby of the database may not have it";
  if (error instanceof NoTls) {
    return "the server has no TLS. Set ssl to on there, or, where nobody else reads the network, add ?sslmode=disable";
  }
  if (!(error instanceof Error)) return "the connection broke";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (error instanceof DatabaseError) {
    return byState[code] ?? `PostgreSQL reports ${code}: ${error.message}`;
  }
  return byCode[code] ?? (code === "" ? "the connection broke" : `the system reports ${code}`);
}

/** The server did not answer, or takes no statements now: nothing is wrong with how Lever is set up. */
export function isAway(error: unknown): boolean {
  if (error instanceof LeverError) return error.cause !== undefined && isAway(error.cause);
  if (error instanceof DatabaseError) return /^(?:53|57P)/.test(error.code ?? "");
  if (error instanceof DatabaseTimeout) return true;
  if (error instanceof NoTls) return false;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === undefined
    ? error instanceof Error
    : !/^(?:ERR_TLS|CERT|DEPTH|SELF|UNABLE)/.test(String(code));
}

/** An error of the database or its connection as a LeverError: `Cannot <action>: …`. Other errors stay as they are. */
export function databaseError(action: string, error: unknown): unknown {
  // Errors of `pg` itself about connections are plain ones.
  const isOfDatabase =
    error instanceof DatabaseError ||
    error instanceof DatabaseTimeout ||
    error instanceof AnswerWithWarning ||
    (error instanceof Error && ("code" in error || error.name === "Error"));
  if (!isOfDatabase || error instanceof LeverError) return error;
  return new LeverError("unavailable", `Cannot ${action}: ${databaseReason(error)}.`, {
    cause: error,
    retryAfterSeconds: 1,
  });
}
