/** The thing that keeps a host from starting. Its user can choose another port, another data folder, or another Lever. */
export type StartupProblem =
  | "portUnavailable"
  | "dataFolderInUse"
  | "dataFolderNewer"
  | "dataFolderOlder";

/** A host that does not start, for a reason outside of Lever that its user can change. */
export class StartupError extends Error {
  override readonly name = "StartupError";
  readonly problem: StartupProblem;

  constructor(problem: StartupProblem, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.problem = problem;
  }
}
