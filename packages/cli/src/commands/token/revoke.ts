import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { required } from "../../parameters.ts";

export const revokeToken: Command = command({
  name: "revoke",
  summary: "revoke a token",
  description: "Revoke a token. Calls that send it are rejected from then on.",
  arguments: { id: required("its id, as lever token ls shows it") },
  examples: [["lever token revoke 1f2e3d4c"]],
  run: async ({ id }, readSettings) => {
    await callAdmin(readSettings(), "revokeToken", id);
    printResult(`Revoked the token ${id}.`);
  },
});
