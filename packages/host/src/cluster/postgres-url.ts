import { readFileSync } from "node:fs";
import { LeverError } from "@leveros/protocol";
import { systemReason } from "../logs/system-reason.ts";

/** One server of the cluster's database, as a URL names it. */
export interface DatabaseAddress {
  /** `host:port/database`, for messages: it has no password. */
  readonly name: string;
  /** A folder of unix sockets begins with a slash. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** undefined = from PGPASSWORD or the password file. */
  readonly password: string | undefined;
  /** `unchecked`: encrypted, but any server may answer. `authorities`: PEM; undefined = those of Node. */
  readonly tls: "off" | "unchecked" | { readonly authorities: string | undefined };
}

const PORT = 5432;
const PARAMETERS = ["host", "sslmode", "sslrootcert"];

/** @throws LeverError `malformed_request` */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const url = URL.parse(text);
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol)) {
    throw unusable("it is not of the form postgres://USER@HOST:PORT/DATABASE");
  }
  const other = [...url.searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (other !== undefined) {
    throw unusable(
      `it has the parameter ${JSON.stringify(other)}, and Lever reads only ${PARAMETERS.join(", ")}. Give one URL for each server: Lever finds the writable one`,
    );
  }
  const host = decoded(url.hostname).replace(/^\[|\]$/g, "") || url.searchParams.get("host");
  const database = decoded(url.pathname.slice(1));
  const user = decoded(url.username);
  if (!host || database === "" || user === "") {
    throw unusable("it lacks the host, the user or the database: postgres://USER@HOST/DATABASE");
  }
  const port = url.port === "" ? PORT : Number(url.port);
  return {
    name: `${host}:${port}/${database}`,
    host,
    port,
    database,
    user,
    password: url.password === "" ? undefined : decoded(url.password),
    tls: tlsOf(url.searchParams, host),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw unusable("a % in it is not followed by two hexadecimal digits. Write % as %25");
  }
}

function tlsOf(parameters: URLSearchParams, host: string): DatabaseAddress["tls"] {
  const mode = parameters.get("sslmode") ?? (isLoopback(host) ? "disable" : "verify-full");
  const file = parameters.get("sslrootcert");
  switch (mode) {
    case "disable":
      return "off";
    case "require":
      return "unchecked";
    case "verify-full":
      return { authorities: file === null ? undefined : readAuthorities(file) };
    default:
      throw unusable(
        `sslmode is ${JSON.stringify(mode)}, and Lever reads only verify-full (the default), require and disable`,
      );
  }
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = systemReason(error);
    if (reason === undefined) throw error;
    throw unusable(`its sslrootcert ${file} cannot be read, because ${reason}`);
  }
}

function isLoopback(host: string): boolean {
  return (
    host.startsWith("/") || host === "localhost" || host === "::1" || /^127(?:\.\d+){3}$/.test(host)
  );
}

/** The URL itself is not in the message: it may have a password. */
function unusable(reason: string): LeverError {
  return new LeverError("malformed_request", `Cannot use the URL of the database: ${reason}.`);
}
