import { type Command, type CommandGroup, command, commandGroup } from "../../command.ts";
import { type Context, readContexts, writeContexts } from "../../contexts.ts";
import { usageError } from "../../exit-status.ts";
import { parseHostAddress } from "../../host-address.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag, required, value } from "../../parameters.ts";
import { readEnvironment } from "../../settings.ts";
import { formatTable } from "../../table.ts";

const NAME = /^[\w.-]{1,64}$/;

const add: Command = command({
  name: "add",
  summary: "add a context, or change it",
  description:
    "Store the address of a host, and an environment, under a name. The first one is used at once.",
  isLocal: true,
  arguments: {
    name: required("a short name, such as prod"),
    address: required("the address of the host: HOST:PORT, or https://HOST"),
  },
  options: { environment: value("<environment>", "the environment to work in") },
  examples: [
    ["lever context add prod https://lever.example"],
    ["lever context add staging 10.0.0.7:8080 --environment staging.lever"],
  ],
  run: async ({ name, address, environment }) => {
    if (!NAME.test(name)) {
      throw usageError(
        `Cannot add the context ${JSON.stringify(name)}: allowed are up to 64 of A-Z a-z 0-9 _ . -`,
      );
    }
    if (parseHostAddress(address) === undefined) {
      throw usageError(
        `Cannot add the context ${name}: ${JSON.stringify(address)} is not the address of a host, such as 127.0.0.1:8080 or https://lever.example.`,
      );
    }
    const place = environment && readEnvironment(environment, "--environment");
    const added: Context = { name, host: address, environment: place || undefined };
    const { current = name, all } = readContexts(process.env);
    const others = all.filter((context) => context.name !== name);
    writeContexts({ current, all: [...others, added] }, process.env);
    printResult(
      current === name
        ? `Added ${name}. Commands use it now.`
        : `Added ${name}. To use it: lever context use ${name}`,
    );
  },
});

const use: Command = command({
  name: "use",
  summary: "let commands use a context",
  description: "Let all commands that follow use the host and the environment of a context.",
  isLocal: true,
  arguments: { name: required("the name of the context") },
  notes: "LEVEROS_IP_PORT and LEVEROS_ENV win over it, and -H and -E over these.",
  examples: [["lever context use prod"]],
  run: async ({ name }) => {
    const contexts = readContexts(process.env);
    const found = findContext(contexts.all, name);
    writeContexts({ ...contexts, current: name }, process.env);
    printResult(`Commands use ${describe(found)}.`);
    for (const variable of ["LEVEROS_IP_PORT", "LEVEROS_ENV"]) {
      if (process.env[variable]) printNote(`${variable} is set, and wins over the context.`);
    }
  },
});

const list: Command = command({
  name: "ls",
  summary: "list the contexts",
  description: "List the contexts. A star marks the one that commands use.",
  isLocal: true,
  options: { json: jsonFlag("the list") },
  examples: [["lever context ls"]],
  run: async ({ json }) => {
    const { current, all } = readContexts(process.env);
    if (json) {
      printResult(JSON.stringify(all.map((of) => ({ ...of, current: of.name === current }))));
    } else if (all.length === 0) {
      printNote("There are no contexts. To add one: lever context add prod https://lever.example");
    } else {
      const rows = all.map(({ name, host, environment = "" }) => [
        name === current ? "*" : "",
        name,
        host,
        environment,
      ]);
      printResult(formatTable([["", "NAME", "HOST", "ENVIRONMENT"], ...rows]));
    }
  },
});

const remove: Command = command({
  name: "rm",
  summary: "remove a context",
  description:
    "Remove a context. The token that is stored for its host stays: lever logout removes it.",
  isLocal: true,
  arguments: { name: required("the name of the context") },
  examples: [["lever context rm staging"]],
  run: async ({ name }) => {
    const { current, all } = readContexts(process.env);
    findContext(all, name);
    const others = all.filter((context) => context.name !== name);
    writeContexts({ current: current === name ? undefined : current, all: others }, process.env);
    printResult(`Removed ${name}.`);
    if (current === name) printNote("Commands use the host of this machine again.");
  },
});

export const context: CommandGroup = commandGroup({
  name: "context",
  summary: "switch between hosts",
  description: "Name hosts and environments, and switch between them.",
  examples: [
    ["lever context add prod https://lever.example"],
    ["lever context use prod"],
    ["lever context ls"],
    ["lever context rm prod"],
  ],
  commands: [add, use, list, remove],
});

function findContext(all: readonly Context[], name: string): Context {
  const found = all.find((of) => of.name === name);
  if (found !== undefined) return found;
  const known = all.map((of) => of.name).join(", ") || "none";
  throw usageError(`Cannot find the context ${JSON.stringify(name)}: there are ${known}.`);
}

function describe({ host, environment }: Context): string {
  return environment === undefined ? host : `${host}, environment ${environment}`;
}
