import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { describeWhoami } from "../../describe-whoami.ts";
import { printResult } from "../../output.ts";
import { jsonFlag } from "../../parameters.ts";

export const whoami: Command = command({
  name: "whoami",
  summary: "show which token you use, and what it allows",
  description:
    "Show the token that commands for this host send, and what it allows. The token itself is not shown.",
  options: { json: jsonFlag("the token's id, note, rights, environments and end") },
  notes:
    "It is the token of LEVEROS_TOKEN, or else the one that lever login has stored for the host.",
  examples: [
    ["lever whoami"],
    ["lever -H https://lever.example:443 whoami --json | jq .token.rights"],
  ],
  run: async ({ json }, readSettings) => {
    const found = await callAdmin(readSettings(), "whoAmI");
    printResult(json ? JSON.stringify(found) : describeWhoami(found));
  },
});
