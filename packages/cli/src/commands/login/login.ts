import { LeverError } from "@leveros/protocol";
import { askHidden, isOnTerminal } from "../../ask.ts";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { writeCredential } from "../../credentials.ts";
import { describeWhoami } from "../../describe-whoami.ts";
import { CommandError, exitStatus, usageError } from "../../exit-status.ts";
import { printResult } from "../../output.ts";
import { readStdinText } from "../../stdin-text.ts";

export const login: Command = command({
  name: "login",
  summary: "store a token for a host",
  description:
    "Store a token for a host, after the host has accepted it. Later commands for this host send it.",
  notes: `On a terminal it asks for the token, and does not show it. Otherwise it reads standard input, so that the token
appears neither in the list of processes nor in the history of the shell. It is stored for the host of -H, in a file
that only you can read. LEVEROS_TOKEN wins over it. lever logout removes it.`,
  examples: [
    ["lever login", "asks for the token"],
    ["lever login < token.txt"],
    ["lever -H https://lever.example:443 login < token.txt", "for another host"],
  ],
  run: async (_values, readSettings) => {
    const settings = readSettings();
    const { hostUrl, host } = settings;
    const text = isOnTerminal() ? await askHidden(`Token for ${host}: `) : await readStdinText();
    const token = text.trim();
    if (!isToken(token)) {
      throw usageError(
        "Cannot log in: this is not a token (lever_…). Create one with: lever token create",
      );
    }
    const whoami = await callAdmin({ ...settings, token }, "whoAmI").catch((error: unknown) => {
      throw refusedToken(error, host);
    });
    const file = writeCredential(hostUrl, token, process.env);
    printResult(`${describeWhoami(whoami)}\nStored for ${host} in ${file}.`);
  },
});

/** The token is not stored. */
function refusedToken(error: unknown, host: string): unknown {
  if (!(error instanceof LeverError) || error.code !== "unauthorized") return error;
  return new CommandError(
    exitStatus.lever,
    `Cannot log in: ${host} does not accept this token. It is unknown there, was revoked, or has expired.\nIf the last admin token is lost, make another one on the machine of the host: lever token reset`,
    { cause: error },
  );
}

function isToken(text: string): boolean {
  return /^lever_[\w-]{20,200}$/.test(text);
}
