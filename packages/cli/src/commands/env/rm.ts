import { confirm } from "../../ask.ts";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { flag, required } from "../../parameters.ts";
import { formatCount } from "../../quantity.ts";
import type { Settings } from "../../settings.ts";

/** With more services, their number stands instead of their names. */
const NAMES_SHOWN_MAX = 10;

export const removeEnvironment: Command = command({
  name: "rm",
  summary: "remove an environment",
  description: "Remove an environment with its services, their data, variables and secrets.",
  arguments: { name: required("name of the environment") },
  options: { yes: flag("remove it without asking") },
  notes: `If there is something in it, the command shows what it would remove, and asks. Where nobody can answer, as in a
script, it needs --yes. Calls that its services have get 10 s to finish. A removal cannot be undone.`,
  examples: [
    ["lever env rm staging.lever", "shows what it would remove, and asks"],
    ["lever env rm staging.lever --yes", "in a script"],
  ],
  run: async ({ name, yes }, readSettings) => {
    const settings = readSettings();
    const content = yes ? "" : await describeContent(settings, name);
    await confirm(`This removes the environment ${name} with ${content}.`, {
      isSure: yes || content === "",
    });
    await callAdmin(settings, "removeEnvironment", name, { force: yes || content !== "" });
    printResult(`Removed the environment ${name}.`);
  },
});

/** `""` = there is nothing in the environment. */
async function describeContent(settings: Settings, environment: string): Promise<string> {
  const services = await callAdmin(settings, "listServices", environment);
  const variables = await callAdmin(settings, "listVariables", environment);
  const names = services.map(({ service }) => service);
  const some = formatCount(names.length, "service", "services");
  const listed = names.length > NAMES_SHOWN_MAX ? some : `${some} (${names.join(", ")})`;
  const versions = services.reduce((sum, { versions }) => sum + versions.length, 0);
  const secrets = variables.filter(({ secret }) => secret).length;
  return [
    ...(names.length === 0
      ? []
      : [`${listed}, ${formatCount(versions, "version", "versions")} and all their data`]),
    ...(variables.length > secrets
      ? [formatCount(variables.length - secrets, "variable", "variables")]
      : []),
    ...(secrets > 0 ? [formatCount(secrets, "secret", "secrets")] : []),
  ].join(", ");
}
