import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { required } from "../../parameters.ts";

export const openEnvironment: Command = command({
  name: "open",
  summary: "let anyone call its services",
  description: "Allow calls to the services of an environment without a token.",
  arguments: { name: required("name of the environment") },
  examples: [["lever env open staging.lever"]],
  run: async ({ name }, readSettings) => {
    await callAdmin(readSettings(), "setPublic", name, true);
    printResult(`Opened ${name}: anyone can call its services.`);
  },
});

export const closeEnvironment: Command = command({
  name: "close",
  summary: "require a token to call its services",
  description:
    "Require a token to call the services of an environment. This is how environments start.",
  notes: "While the host has no tokens, callers on the host's own machine need none.",
  arguments: { name: required("name of the environment") },
  examples: [["lever env close staging.lever"]],
  run: async ({ name }, readSettings) => {
    await callAdmin(readSettings(), "setPublic", name, false);
    printResult(`Closed ${name}: callers of its services need a token.`);
  },
});
