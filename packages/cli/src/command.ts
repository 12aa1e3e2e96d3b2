import type { Argument, Option, ValueOption } from "./parameters.ts";
import type { Settings } from "./settings.ts";

/** A line of a command's help: what to type, and what it does. */
export type Example = readonly [commandLine: string, meaning?: string];

interface CommandHelp {
  readonly name: string;
  /** A few words for the list of commands, in lower case. */
  readonly summary: string;
  /** A sentence for the top of the command's own help. */
  readonly description: string;
  /** Printed below the options. */
  readonly notes?: string;
  readonly examples: readonly Example[];
}

/** A command of `lever`. */
export interface Command extends CommandHelp {
  readonly kind: "command";
  readonly arguments: Readonly<Record<string, Argument<unknown>>>;
  readonly options: Readonly<Record<string, Option>>;
  /** It works on this machine and calls no host, so that it refuses `--host`. */
  readonly isLocal: boolean;
  readonly run: Run<Readonly<Record<string, unknown>>>;
}

/** A command that consists of further commands, such as `lever env`. */
export interface CommandGroup extends CommandHelp {
  readonly kind: "group";
  readonly commands: readonly Command[];
}

/**
 * Runs a command. A result goes to `printResult`, everything else to `printNote`.
 * @param values its arguments and options by name.
 * @param readSettings returns which host to call, and how. Throws a CommandError when `-H` or `-E` is not valid.
 */
type Run<Values> = (values: Values, readSettings: () => Settings) => Promise<void>;

type ArgumentValues<Arguments> = {
  readonly [Name in keyof Arguments]: Arguments[Name] extends Argument<infer Value> ? Value : never;
};

type OptionValues<Options> = {
  readonly [Name in keyof Options]: Options[Name] extends ValueOption<infer Value>
    ? Value
    : boolean;
};

interface Definition<Arguments, Options> extends CommandHelp {
  readonly arguments?: Arguments;
  readonly options?: Options;
  /** Default: false. */
  readonly isLocal?: boolean;
  readonly run: Run<ArgumentValues<Arguments> & OptionValues<Options>>;
}

/**
 * Declares a command. This is all it takes to add one, together with a line in `commands/index.ts`: help, the parsing of
 * the command line and its errors follow from the declaration.
 */
export function command<
  Arguments extends Readonly<Record<string, Argument<unknown>>> = Readonly<Record<never, never>>,
  Options extends Readonly<Record<string, Option>> = Readonly<Record<never, never>>,
>(definition: Definition<Arguments, Options>): Command {
  const { run, ...help } = definition;
  return {
    arguments: {},
    options: {},
    isLocal: false,
    ...help,
    kind: "command",
    // The program reads every value by the declaration that has the same name.
    run: (values, readSettings) =>
      run(values as ArgumentValues<Arguments> & OptionValues<Options>, readSettings),
  };
}

/** Declares a command that consists of further commands. */
export function commandGroup(definition: Omit<CommandGroup, "kind">): CommandGroup {
  return { ...definition, kind: "group" };
}
