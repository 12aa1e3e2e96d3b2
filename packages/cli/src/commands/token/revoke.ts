import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { flag, required } from "../../parameters.ts";

export const revokeToken: Command = command({
  name: "revoke",
  summary: "revoke a token",
  description: "Revoke a token. Calls that send it are rejected from then on.",
  arguments: { id: required("its id, as lever token ls shows it") },
  options: { force: flag("revoke it although it is the last one that may do everything") },
  notes: `The last token that allows "admin" in all environments without an end needs --force. If other tokens are left, none
of them can then create or revoke tokens, and only lever token reset makes a new one. If none is left, every program on
the host's machine may do everything.`,
  examples: [["lever token revoke 1f2e3d4c"]],
  run: async ({ id, force }, readSettings) => {
    await callAdmin(readSettings(), "revokeToken", id, { force });
    printResult(`Revoked the token ${id}.`);
  },
});
