import { type Command, command } from "../../command.ts";
import { readCredential, writeCredential } from "../../credentials.ts";
import { printNote, printResult } from "../../output.ts";

export const logout: Command = command({
  name: "logout",
  summary: "remove the stored token of a host",
  description:
    "Remove the token that lever login has stored for a host. It stays valid: lever token revoke ends it.",
  examples: [["lever logout"], ["lever -H https://lever.example:443 logout"]],
  run: async (_values, readSettings) => {
    const { hostUrl, host } = readSettings();
    if (readCredential(hostUrl, process.env) === undefined) {
      printResult(`No token is stored for ${host}.`);
    } else {
      writeCredential(hostUrl, undefined, process.env);
      printResult(`Removed the stored token for ${host}.`);
    }
    if (process.env["LEVEROS_TOKEN"]) {
      printNote("Commands still send the token of LEVEROS_TOKEN.");
    }
  },
});
