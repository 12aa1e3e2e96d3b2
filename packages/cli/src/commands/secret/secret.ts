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
  description: "Set a secret to the text on standard input. A line break at its end is dropped.",
  arguments: { name: required("name of the secret", "NAME") },
  options: { service: value("<service>", "set it only for this service") },
  examples: [
    ['printf %s "$TOKEN" | lever secret set TOKEN --service helloService'],
    ["lever secret set DATABASE_PASSWORD < password.txt"],
  ],
  run: async ({ name, service }, readSettings) => {
    if (process.stdin.isTTY) {
      throw usageError(
        `Cannot read the secret from a terminal: it would be visible. Use a pipe: printf %s "$VALUE" | lever secret set ${name}`,
      );
    }
    const value = (await readStdinText()).replace(/\r?\n$/, "");
    await setVariables(readSettings(), { values: { [name]: value }, service, isSecret: true });
  },
});

export const secret: CommandGroup = commandGroup({
  name: "secret",
  summary: "manage secrets of services",
  description: "Set, remove and list the secrets of services.",
  notes: `A secret is an environment variable whose value Lever stores encrypted and never shows. It is read from standard
input, so that it appears neither in the list of processes nor in the history of the shell. It applies to every
service of the environment, or with --service to one service, where it wins. Running instances are restarted as by a
deploy, so that no call fails.`,
  examples: [
    ['printf %s "$TOKEN" | lever secret set TOKEN --service helloService'],
    ["lever secret unset TOKEN --service helloService"],
    ["lever secret ls"],
  ],
  commands: [set, unsetCommand({ isSecret: true }), listCommand({ isSecret: true })],
});
