import { LeverError } from "@leveros/protocol";

/** The error of an upload whose connection failed, with Node's error code. */
export function uploadFailed(cause: unknown, { host }: URL): LeverError {
  return new LeverError("unreachable", `Cannot deploy to ${host}: ${explain(cause)}`, { cause });
}

function explain(cause: unknown): string {
  // A name with several addresses fails with one error per address.
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const error: NodeJS.ErrnoException = first instanceof Error ? first : new Error(String(first));
  const code = error.code ?? error.message;
  if (error.syscall === "connect") return `nothing answers there (${code}).`;
  if (error.syscall === "getaddrinfo") return `no host has that name (${code}).`;
  if (error.syscall === undefined && /CERT|UNABLE_TO_VERIFY/.test(code)) {
    return `its certificate is not trusted (${code}). To trust a private certificate authority, set NODE_EXTRA_CA_CERTS=<file>.`;
  }
  return `the connection broke in the middle of the upload (${code}).`;
}
