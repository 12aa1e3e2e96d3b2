import { LeverError } from "@leveros/protocol";

/** The thing that keeps a host from starting, which its user can change. */
export type StartupProblem =
  | "portUnavailable"
  | "dataFolderInUse"
  /** A newer Lever wrote it. */
  | "dataFolderNewer"
  /** An older Lever wrote it, and there is no way to update it. */
  | "dataFolderOlder"
  /** It does not say which Lever wrote it, or its database is lost or cannot be read. */
  | "dataFolderDamaged"
  /** The system does not let Lever read or write it. */
  | "dataFolderUnusable";

/** A host that does not start, for a reason outside of Lever. */
export class StartupError extends Error {
  override readonly name = "StartupError";
  readonly problem: StartupProblem;

  constructor(problem: StartupProblem, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.problem = problem;
  }
}

/** Turns an error of the system into a sentence. Errors of another kind stay as they are. */
export function listenFailure(address: { bind: string; port: number }, error: unknown): unknown {
  if (error instanceof LeverError || !(error instanceof Error) || !("code" in error)) return error;
  return new StartupError(
    "portUnavailable",
    `Cannot listen on ${address.bind}:${address.port}: ${listenReason(error)}.`,
    { cause: error },
  );
}

function listenReason(error: Error & { readonly code: unknown }): string {
  if (error.code === "EADDRINUSE") return "the port is in use";
  if (error.code === "EACCES") return "the port is reserved for root";
  return error.message;
}
