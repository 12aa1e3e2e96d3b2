import { type Command, command } from "../../command.ts";
import { writeCredential } from "../../credentials.ts";
import { usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { flag } from "../../parameters.ts";
import { readStdinText } from "../../stdin-text.ts";

export const login: Command = command({
  name: "login",
  summary: "store a token for a host",
  description: "Store a token for a host. Later commands for this host send it.",
  options: { forget: flag("remove the stored token of the host") },
  notes: `The token is read from standard input, so that it appears neither in the list of processes nor in the history of
the shell. It is stored for the host of -H, in a file that only you can read. LEVEROS_TOKEN wins over it.`,
  examples: [
    ["lever login < token.txt"],
    ["lever -H https://lever.example:443 login < token.txt", "for another host"],
    ["lever login --forget"],
  ],
  run: async ({ forget }, readSettings) => {
    const { hostUrl, host } = readSettings();
    if (forget) {
      writeCredential(hostUrl, undefined, process.env);
      printResult(`Removed the stored token for ${host}.`);
      return;
    }
    if (process.stdin.isTTY) printNote("Paste the token, then press Enter and Ctrl-D:");
    const token = (await readStdinText()).trim();
    if (!isToken(token)) {
      throw usageError(
        "Cannot log in: standard input does not contain a token (lever_…). Create one with: lever token create",
      );
    }
    printResult(`Stored the token for ${host} in ${writeCredential(hostUrl, token, process.env)}.`);
  },
});

function isToken(text: string): boolean {
  return /^lever_[\w-]{20,200}$/.test(text);
}
