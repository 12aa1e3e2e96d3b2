import {
  Argument as CommanderArgument,
  Command as CommanderCommand,
  Option as CommanderOption,
} from "commander";
import type { Command, CommandGroup, Example } from "./command.ts";
import { type CommandError, usageError } from "./exit-status.ts";
import type { Argument, Option } from "./parameters.ts";
import { readSettings, type Settings, settingsOptions } from "./settings.ts";
import { explainUnauthorized } from "./unauthorized.ts";

/** Commands under one heading of `lever --help`. */
export interface CommandSection {
  readonly heading: string;
  readonly commands: readonly (Command | CommandGroup)[];
}

const HELP = `
Start here:
  lever up                                        in one terminal: runs Lever on this machine
  lever deploy ./hello                            in another one: deploys the service in the folder hello
  lever invoke /helloService/sayHello '"world"'   calls one of its methods
  lever ls                                        lists what is deployed

Exit status: 0 success; 1 the method failed, or the service cannot be deployed; 2 the command line is not valid;
3 Lever rejected the command or did not answer.
Results go to standard output, everything else to standard error.`;

/** Builds the parser of the command line, which runs the command that it finds. */
export function createProgram(
  sections: readonly CommandSection[],
  { version }: { version: string },
): CommanderCommand {
  const program = new CommanderCommand("lever");
  program
    .description("Lever runs services: deploy a folder, then call its methods by URL.")
    .version(version, versionFlags(sections), "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show help for a command")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) =>
        write(text.replace(/^error: /, "lever: Cannot read the command line: ")),
    })
    .showHelpAfterError("See: lever --help")
    .addHelpText("after", HELP)
    .exitOverride();
  const isBareHost = watchBareHost(program, sections);
  for (const { heading, commands } of sections) {
    for (const declared of commands) add(program, program, declared, isBareHost).helpGroup(heading);
  }
  return program;
}

/** A command with an option `--version` of its own comes alone. The parser would take the word for the program's. */
function versionFlags(sections: readonly CommandSection[]): string {
  return isAloneWith(sections, "version") ? "-V" : "-V, --version";
}

function isAloneWith(sections: readonly CommandSection[], option: string): boolean {
  const [first, ...others] = sections.flatMap(({ commands }) => commands);
  return others.length === 0 && first?.kind === "command" && option in first.options;
}

/**
 * Adds the options of every command. For a command with an option `--host` of its own, `--host` without an address is that
 * one, and with an address the program's. Returns whether it came without.
 */
function watchBareHost(
  program: CommanderCommand,
  sections: readonly CommandSection[],
): () => boolean {
  const mayBeBare = isAloneWith(sections, "host");
  let isBare = false;
  let address: string | undefined;
  for (const { flags, description } of settingsOptions) {
    program.option(mayBeBare ? flags.replace("<host:port>", "[host:port]") : flags, description);
  }
  program.on("option:host", (text: string | null) => {
    isBare ||= text === null;
    address = text ?? address;
    // One without an address must not hide an address.
    program.setOptionValue("host", address);
  });
  return () => isBare;
}

function add(
  program: CommanderCommand,
  parent: CommanderCommand,
  declared: Command | CommandGroup,
  isBareHost: () => boolean,
): CommanderCommand {
  const { name, summary, description, notes, examples } = declared;
  const added = parent.command(name).summary(summary).description(description);
  const path = parent === program ? `lever ${name}` : `lever ${parent.name()} ${name}`;
  added.showHelpAfterError(`See: ${path} --help`);
  if (notes !== undefined) added.addHelpText("after", `\n${notes}`);
  added.addHelpText("after", `\n${formatExamples(examples)}`);
  switch (declared.kind) {
    case "group":
      for (const inner of declared.commands) add(program, added, inner, isBareHost);
      break;
    case "command":
      addParameters(program, added, declared, isBareHost);
      break;
  }
  return added;
}

function addParameters(
  program: CommanderCommand,
  added: CommanderCommand,
  declared: Command,
  isBareHost: () => boolean,
): void {
  const args = Object.entries(declared.arguments);
  const options = Object.entries(declared.options);
  for (const [key, argument] of args) {
    added.addArgument(new CommanderArgument(labelOf(key, argument), argument.description));
  }
  for (const [key, option] of options) added.addOption(commanderOption(key, option));
  added.action(async () => {
    if (declared.isLocal && program.opts()["host"] !== undefined) throw withoutHost(declared.name);
    const words = added.args;
    const given: Record<string, unknown> = { ...added.opts(), host: isBareHost() };
    const values = Object.fromEntries([
      ...args.map(([key, argument], index) => {
        return [key, argument.read(words.slice(index), `the ${argument.label ?? key}`)] as const;
      }),
      ...options.map(([key, option]) => [key, readOption(key, option, given[key])] as const),
    ]);
    let settings: Settings | undefined;
    const readOnce = (): Settings => {
      settings ??= readSettings(program.opts(), process.env);
      return settings;
    };
    try {
      await declared.run(values, readOnce);
    } catch (error) {
      throw settings === undefined ? error : explainUnauthorized(error, settings);
    }
  });
}

function withoutHost(name: string): CommandError {
  const remedy = name === "up" ? " To choose the address of the host, use --bind and --port." : "";
  return usageError(`Cannot use --host for lever ${name}: it works on this machine.${remedy}`);
}

function labelOf(key: string, { form, label = key }: Argument<unknown>): string {
  switch (form) {
    case "required":
      return `<${label}>`;
    case "optional":
      return `[${label}]`;
    case "zeroOrMore":
      return `[${label}...]`;
    case "oneOrMore":
      return `<${label}...>`;
  }
}

function commanderOption(key: string, option: Option): CommanderOption {
  const short = option.short === undefined ? "" : `-${option.short}, `;
  const names = `${short}${longName(key)}`;
  switch (option.form) {
    case "flag":
      return new CommanderOption(names, option.description);
    case "value":
      return new CommanderOption(`${names} ${option.label}`, option.description)
        .makeOptionMandatory(option.isRequired)
        .argParser((text: string, before: readonly string[] = []) => [...before, text]);
  }
}

function readOption(key: string, option: Option, given: unknown): unknown {
  if (option.form === "flag") return given === true;
  return option.read(Array.isArray(given) ? given : [], longName(key));
}

/** `tlsCert` → `--tls-cert` */
export function longName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The meanings stand in a column of their own. */
function formatExamples(examples: readonly Example[]): string {
  const width = Math.max(
    ...examples.map(([line, meaning]) => (meaning === undefined ? 0 : line.length)),
  );
  const lines = examples.map(([line, meaning]) =>
    meaning === undefined ? `  ${line}` : `  ${line.padEnd(width)}   ${meaning}`,
  );
  return ["Examples:", ...lines].join("\n");
}
