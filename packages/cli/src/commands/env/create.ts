import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { required } from "../../parameters.ts";

export const createEnvironment: Command = command({
  name: "create",
  summary: "create an environment",
  description: "Create an environment.",
  arguments: { name: required("a host name, such as staging.lever") },
  examples: [["lever env create staging.lever"]],
  run: async ({ name }, readSettings) => {
    await callAdmin(readSettings(), "createEnvironment", name);
    printResult(`Created the environment ${name}.`);
  },
});
