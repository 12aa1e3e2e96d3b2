import { LeverError } from "@leveros/protocol";
import { CommandError, exitStatus } from "./exit-status.ts";
import type { Settings } from "./settings.ts";

/** An error about the token of a command, with the command that remedies it. Other errors stay as they are. */
export function explainUnauthorized(error: unknown, { token, flags }: Settings): unknown {
  if (!(error instanceof LeverError) || error.code !== "unauthorized") return error;
  const what =
    token === undefined
      ? "Cannot do this without a token: the host requires one."
      : "Cannot do this with this token: it is unknown to the host, was revoked, or has expired.";
  return new CommandError(
    exitStatus.lever,
    `${what} (${error.code})\nStore a token for this host with: lever ${flags}login\nIf the last admin token is lost, make another one on the machine of the host: lever token reset`,
    { cause: error },
  );
}
