import { type Command, type CommandGroup, command, commandGroup } from "../../command.ts";
import { usageError } from "../../exit-status.ts";
import { required, value } from "../../parameters.ts";
import { listCommand } from "../../variables/ls.ts";
import { setVariable } from "../../variables/set-variable.ts";
import { unsetCommand } from "../../variables/unset.ts";

const set: Command = command({
  name: "set",
  summary: "set a variable",
  description:
    "Set a variable. Running instances that see it are restarted without failing a call.",
  arguments: { assignment: required("name and value", "NAME=value") },
  options: { service: value("<service>", "set it only for this service") },
  examples: [
    ["lever var set LOG_LEVEL=debug", "for every service of the environment"],
    ["lever var set LOG_LEVEL=info --service helloService", "for one service, where it wins"],
  ],
  run: async ({ assignment, service }, readSettings) => {
    const { name, value } = parseAssignment(assignment);
    await setVariable(readSettings(), { name, value, service, isSecret: false });
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
    ["lever var unset LOG_LEVEL"],
    ["lever var ls"],
  ],
  commands: [set, unsetCommand({ isSecret: false }), listCommand({ isSecret: false })],
});

/** Splits at the first `=`: the value may contain more. @throws CommandError without a name. */
export function parseAssignment(text: string): { name: string; value: string } {
  const [, name = "", value = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name !== "") return { name, value };
  throw usageError(`Cannot set the variable ${JSON.stringify(text)}: allowed is NAME=value.`);
}
