import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { flag, required } from "../../parameters.ts";

export const removeEnvironment: Command = command({
  name: "rm",
  summary: "remove an environment",
  description: "Remove an environment.",
  arguments: { name: required("name of the environment") },
  options: { force: flag("remove its services, too, with all their data") },
  examples: [
    ["lever env rm staging.lever", "if it has no services"],
    ["lever env rm staging.lever --force", "with its services and their data"],
  ],
  run: async ({ name, force }, readSettings) => {
    await callAdmin(readSettings(), "removeEnvironment", name, { force });
    printResult(`Removed the environment ${name}.`);
  },
});
