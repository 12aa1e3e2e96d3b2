import { LeverError } from "@leveros/protocol";

/** What could not be reached, in the words of an error message. */
export interface CallTarget {
  /** The Lever URL. */
  readonly url: string;
  /** Where the client connected, as `host:port`. */
  readonly address: string;
  /** True when `forceHost` chose the address, and not the environment's name. */
  readonly isForced: boolean;
}

/** The error for a connection that failed: with what Node says, and whether the method may have run all the same. */
export function connectionFailed(cause: unknown, target: CallTarget): LeverError {
  const { code, syscall } = readFailure(cause);
  return new LeverError("unreachable", `${cannotCall(target)}: ${explain()}`, { cause });

  function explain(): string {
    if (isCertificateProblem(code)) {
      return `its certificate is not trusted (${code}). A private authority's certificate is trusted with NODE_EXTRA_CA_CERTS=<file>.`;
    }
    if (code.startsWith("ERR_SSL_")) return `it does not speak TLS as it should (${code}).`;
    if (syscall === "connect") return `nothing answers there (${code}).`;
    if (syscall !== "getaddrinfo") {
      return `the connection broke before the answer was here (${code}). The method may have run.`;
    }
    const remedy = target.isForced ? "" : " Set forceHost to the address of a Lever host.";
    return `there is no host of that name (${code}).${remedy}`;
  }
}

/** The error for an answer that no Lever host gives. */
export function notLever(status: number, target: CallTarget): LeverError {
  return new LeverError(
    "unreachable",
    `${cannotCall(target)}: the answer has status ${status} and is not from a Lever host.`,
  );
}

function cannotCall({ url, address }: CallTarget): string {
  return `Cannot call ${url} at ${address}`;
}

/** OpenSSL's names for what is wrong with a certificate (X509_V_ERR_…), and Node's own. */
function isCertificateProblem(code: string): boolean {
  return /CERT|UNABLE_TO_VERIFY/.test(code);
}

/** What Node says of a failure; for a name with several addresses, of the first one. */
function readFailure(cause: unknown): { code: string; syscall: string } {
  const error: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  if (!(error instanceof Error)) return { code: String(error), syscall: "" };
  const code = "code" in error && typeof error.code === "string" ? error.code : error.message;
  const syscall = "syscall" in error && typeof error.syscall === "string" ? error.syscall : "";
  return { code, syscall };
}
