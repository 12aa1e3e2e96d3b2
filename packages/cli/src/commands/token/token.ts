import { type CommandGroup, commandGroup } from "../../command.ts";
import { createToken } from "./create.ts";
import { listTokens } from "./ls.ts";
import { resetToken } from "./reset.ts";
import { revokeToken } from "./revoke.ts";

export const token: CommandGroup = commandGroup({
  name: "token",
  summary: "manage tokens",
  description:
    "Create, list and revoke tokens. A token allows people and programs to use the host.",
  notes: `While there are no tokens, callers on the host's own machine may do everything, and all other callers nothing. Once
a token exists, every caller needs one, except to call services of open environments (lever env open). The first
token must allow "admin" in all environments and must not expire.

Rights:
  invoke  call services
  look    see services, instances, events and what they print; change nothing
  deploy  deploy services and roll them back; includes look
  admin   everything in these environments`,
  examples: [
    ["lever token create --in '*' --rights admin --note me | lever login", "the first one"],
    ["lever token create --in dev.lever --rights deploy --expires 90d --note ci"],
    ["lever token ls"],
    ["lever token revoke 1f2e3d4c"],
  ],
  commands: [createToken, listTokens, revokeToken, resetToken],
});
