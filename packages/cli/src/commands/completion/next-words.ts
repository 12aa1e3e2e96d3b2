import type { ServiceListing } from "@leveros/protocol";
import type { Command, CommandGroup } from "../../command.ts";
import { commandIndex } from "../../command-line.ts";
import { longName } from "../../program.ts";

/** The names that a word may be one of. */
type Wanted = "services" | "instances" | "urls";

const ARGUMENTS: Readonly<Record<string, Wanted>> = {
  calls: "services",
  events: "services",
  explain: "services",
  invoke: "urls",
  logs: "services",
  ls: "services",
  profile: "instances",
  ps: "services",
  restart: "services",
  rm: "services",
  rollback: "services",
  stats: "services",
  "stop-instance": "instances",
  stream: "urls",
  why: "instances",
};
const VALUES: Readonly<Record<string, Wanted>> = {
  "--inspect": "services",
  "--instance": "instances",
  "--service": "services",
};
/** A shell would run parts of other words, which anybody can name a method. */
const SAFE_WORD = /^[\w%+,./:=@-]+$/;
const OF_EVERY_COMMAND = ["--env", "--host", "--help"];

export interface KnownCommands {
  readonly names: readonly string[];
  /** undefined = there is no such command. */
  load(name: string): Promise<Command | CommandGroup | undefined>;
  /** The services of the host that the words name; none when it does not answer. */
  services(): Promise<readonly ServiceListing[]>;
  /** The names of the user's contexts. */
  contexts(): readonly string[];
}

/** The words that may stand in the place of the last one, as far as they begin like it and mean themselves in a shell. */
export async function nextWords(
  words: readonly string[],
  known: KnownCommands,
): Promise<readonly string[]> {
  const last = words.at(-1) ?? "";
  const found = await candidates(words.slice(0, -1), last, known);
  return found.filter((word) => word.startsWith(last) && SAFE_WORD.test(word)).sort();
}

async function candidates(
  before: readonly string[],
  last: string,
  known: KnownCommands,
): Promise<readonly string[]> {
  const at = commandIndex(before);
  const commandName = before[at];
  const option = VALUES[before.at(-1) ?? ""];
  if (option !== undefined) return await namesOf(option, known);
  if (commandName === undefined) return last.startsWith("-") ? OF_EVERY_COMMAND : known.names;
  const declared = await known.load(commandName);
  if (declared === undefined) return [];
  const [inner, ...rest] = before.slice(at + 1).filter((word) => !word.startsWith("-"));
  const command =
    declared.kind === "command"
      ? declared
      : declared.commands.find((found) => found.name === inner);
  if (command === undefined) {
    return declared.kind === "group" ? declared.commands.map((found) => found.name) : [];
  }
  if (last.startsWith("-"))
    return [...Object.keys(command.options).map(longName), ...OF_EVERY_COMMAND];
  const hasArgument = declared.kind === "group" ? rest.length > 0 : inner !== undefined;
  if (commandName === "context" && (inner === "use" || inner === "rm")) {
    return hasArgument ? [] : known.contexts();
  }
  const wanted = hasArgument ? undefined : ARGUMENTS[commandName];
  return wanted === undefined ? [] : await namesOf(wanted, known);
}

async function namesOf(wanted: Wanted, known: KnownCommands): Promise<readonly string[]> {
  const services = await known.services();
  switch (wanted) {
    case "services":
      return services.map(({ service }) => service);
    case "instances":
      return services.flatMap(({ instances }) => instances.map(({ instance }) => instance));
    case "urls":
      return services.flatMap(({ service, methods }) =>
        methods.map((method) => `/${service}/${method}`),
      );
  }
}
