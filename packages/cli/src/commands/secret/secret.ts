import { askHidden, isOnTerminal } from "../../ask.ts";
import { type Command, type CommandGroup, command, commandGroup } from "../../command.ts";
import { usageError } from "../../exit-status.ts";
import { required, value } from "../../parameters.ts";
import { readStdinText } from "../../stdin-text.ts";
import { listCommand } from "../../variables/ls.ts";
import { setVariables } from "../../variables/set-variables.ts";
import { unsetCommand } from "../../variables/unset.ts";

const set: Command = command({
  name: "set",
  summary: "set a secret",
  description:
    "Set a secret. On a terminal it asks for the value and does not show it; otherwise it reads standard input.",
  arguments: { name: required("name of the secret", "NAME") },
  options: { service: value("<service>", "set it only for this service") },
  examples: [
    ['printf %s "$TOKEN" | lever secret set TOKEN --service helloService'],
    ["lever secret set DATABASE_PASSWORD < password.txt", "without the line break at its end"],
    ["lever secret set DATABASE_PASSWORD", "asks for the value"],
  ],
  run: async ({ name, service }, readSettings) => {
    const value = isOnTerminal()
      ? await askHidden(`Value of ${name}: `)
      : (await readStdinText()).replace(/\r?\n$/, "");
    if (value === "") {
      throw usageError(
        `Cannot set the secret ${name}: its value is empty. To remove it: lever secret unset ${name}`,
      );
    }
    await setVariables(readSettings(), { values: { [name]: value }, service, isSecret: true });
  },
});

export const secret: CommandGroup = commandGroup({
  name: "secret",
  summary: "manage secrets of services",
  description: "Set, remove and list the secrets of services.",
  notes: `A secret is an environment variable whose value Lever stores encrypted and never shows. It is read from the
terminal or from standard input, so that it appears neither in the list of processes nor in the history of the shell. It
applies to every service of the environment, or with --service to one service, where it wins. Running instances are
restarted as by a deploy, so that no call fails.`,
  examples: [
    ['printf %s "$TOKEN" | lever secret set TOKEN --service helloService'],
    ["lever secret unset TOKEN --service helloService"],
    ["lever secret ls"],
  ],
  commands: [set, unsetCommand({ isSecret: true }), listCommand({ isSecret: true })],
});
