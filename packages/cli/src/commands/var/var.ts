import { type Command, type CommandGroup, command, commandGroup } from "../../command.ts";
import { usageError } from "../../exit-status.ts";
import { value, zeroOrMore } from "../../parameters.ts";
import { listCommand } from "../../variables/ls.ts";
import { setVariables } from "../../variables/set-variables.ts";
import { unsetCommand } from "../../variables/unset.ts";
import { readEnvFile } from "./env-file.ts";

const set: Command = command({
  name: "set",
  summary: "set variables",
  description:
    "Set variables, all or none. Running instances that see them are restarted once, without failing a call.",
  arguments: { assignments: zeroOrMore("names and values", "NAME=value") },
  options: {
    file: value("<file>", "also set the variables of a .env file; arguments win over it"),
    service: value("<service>", "set them only for this service"),
  },
  examples: [
    ["lever var set LOG_LEVEL=debug", "for every service of the environment"],
    ["lever var set LOG_LEVEL=info --service helloService", "for one service, where it wins"],
    ["lever var set --file .env COLOR=blue", "several at once"],
  ],
  run: async ({ assignments, file, service }, readSettings) => {
    const values = {
      ...(file !== undefined && (await readEnvFile(file))),
      ...Object.fromEntries(assignments.map(parseAssignment)),
    };
    if (Object.keys(values).length === 0) {
      throw usageError(
        "Cannot set variables: none is given. Name them as NAME=value, or a file that has some with --file.",
      );
    }
    await setVariables(readSettings(), { values, service, isSecret: false });
  },
});

export const variable: CommandGroup = commandGroup({
  name: "var",
  summary: "manage variables of services",
  description: "Set, remove and list the environment variables of services.",
  notes: `A variable applies to every service of the environment, or with --service to one service, where it wins. Running
instances are restarted as by a deploy, so that no call fails.`,
  examples: [
    ["lever var set LOG_LEVEL=debug"],
    ["lever var set LOG_LEVEL=info --service helloService"],
    ["lever var set --file .env"],
    ["lever var unset LOG_LEVEL"],
    ["lever var ls"],
  ],
  commands: [set, unsetCommand({ isSecret: false }), listCommand({ isSecret: false })],
});

/** Splits at the first `=`: the value may contain more. @throws CommandError without a name. */
export function parseAssignment(text: string): [name: string, value: string] {
  const [, name = "", value = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name !== "") return [name, value];
  throw usageError(`Cannot set the variable ${JSON.stringify(text)}: allowed is NAME=value.`);
}
