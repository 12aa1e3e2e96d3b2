import { LeverError } from "@leveros/protocol";

/** The called method and address, as an error message names them. */
export interface CalledAddress {
  /** The Lever URL. */
  readonly url: string;
  /** Where the client connected, as `host:port`. */
  readonly address: string;
  /** True when the address comes from `forceHost`, false when from the environment's name. */
  readonly isForced: boolean;
}

/** The error of a failed connection, with Node's error code. It says when the method may have run. */
export function connectionFailed(cause: unknown, target: CalledAddress): LeverError {
  const { code, syscall } = readFailure(cause);
  return new LeverError("unreachable", `${cannotCall(target)}: ${explain()}`, { cause });

  function explain(): string {
    if (isCertificateProblem(code)) {
      return `its certificate is not trusted (${code}). To trust a private certificate authority, set NODE_EXTRA_CA_CERTS=<file>.`;
    }
    if (code.startsWith("ERR_SSL_")) return `its TLS connection failed (${code}).`;
    if (syscall === "connect") return `nothing answers there (${code}).`;
    if (syscall !== "getaddrinfo") {
      return `the connection broke before the reply arrived (${code}). The method may have run.`;
    }
    const remedy = target.isForced ? "" : " Set forceHost to the address of a Lever host.";
    return `no host has that name (${code}).${remedy}`;
  }
}

/** The error of a response that is not from a Lever host. */
export function notLever(status: number, target: CalledAddress): LeverError {
  return new LeverError(
    "unreachable",
    `${cannotCall(target)}: the response has status ${status} and is not from a Lever host.`,
  );
}

function cannotCall({ url, address }: CalledAddress): string {
  return `Cannot call ${url} at ${address}`;
}

/** True for OpenSSL's certificate errors (X509_V_ERR_…), and for Node's own. */
function isCertificateProblem(code: string): boolean {
  return /CERT|UNABLE_TO_VERIFY/.test(code);
}

/** Node's error code and system call; for a name with several addresses, those of the first address. */
function readFailure(cause: unknown): { code: string; syscall: string } {
  const error: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  if (!(error instanceof Error)) return { code: String(error), syscall: "" };
  const code = "code" in error && typeof error.code === "string" ? error.code : error.message;
  const syscall = "syscall" in error && typeof error.syscall === "string" ? error.syscall : "";
  return { code, syscall };
}
