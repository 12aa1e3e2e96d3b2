import { callAdmin } from "../call-admin.ts";
import { type Command, command } from "../command.ts";
import { printNote, printResult } from "../output.ts";
import { jsonFlag } from "../parameters.ts";
import { formatVariables } from "./format-variables.ts";

/** Declares `lever var ls` or `lever secret ls`. */
export function listCommand({ isSecret }: { isSecret: boolean }): Command {
  const [noun, group] = isSecret ? ["secret", "secret"] : ["variable", "var"];
  return command({
    name: "ls",
    summary: `list the ${noun}s`,
    description: isSecret
      ? "List the secrets of the environment, without their values."
      : "List the variables of the environment with their values.",
    options: { json: jsonFlag("the list") },
    examples: [[`lever ${group} ls`], [`lever -E prod.lever ${group} ls --json`]],
    run: async ({ json }, readSettings) => {
      const settings = readSettings();
      const all = await callAdmin(settings, "listVariables", settings.environment);
      const listings = all.filter(({ secret }) => secret === isSecret);
      if (json) printResult(JSON.stringify(listings));
      else if (listings.length === 0) {
        printNote(`There are no ${noun}s in ${settings.environment} yet.`);
      } else printResult(formatVariables(listings, { isSecret, nowMs: Date.now() }));
    },
  });
}
