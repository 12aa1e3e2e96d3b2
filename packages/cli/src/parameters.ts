import { usageError } from "./exit-status.ts";

/** Turns the text of an argument or option into a value. */
export interface Reading<Value> {
  /** @returns undefined for a text that is not allowed. */
  readonly parse: (text: string) => Value | undefined;
  /** Completes the error: "Cannot use "x" as --port: allowed is …". */
  readonly allowed: string;
}

/** A word of the command line, found by its position. */
export interface Argument<Value> {
  readonly form: "required" | "optional" | "oneOrMore" | "zeroOrMore";
  readonly description: string;
  /** The name in help and errors. Default: its key in the declaration. */
  readonly label: string | undefined;
  /** @throws CommandError for a word that is not allowed. */
  read(words: readonly string[], name: string): Value;
}

/** An option. Its key in the declaration is its name: `tlsCert` becomes `--tls-cert`. */
export type Option = Flag | ValueOption<unknown>;

/** An option without a value. */
export interface Flag {
  readonly form: "flag";
  readonly description: string;
  /** A second name of one letter. */
  readonly short: string | undefined;
}

/** An option with a value: `--port 8080`. */
export interface ValueOption<Value> {
  readonly form: "value";
  readonly description: string;
  /** The value's name in help, in angle brackets. */
  readonly label: string;
  readonly isRequired: boolean;
  /** A second name of one letter. */
  readonly short: string | undefined;
  /**
   * @param texts one for each time the option was given.
   * @throws CommandError for a text that is not allowed.
   */
  read(texts: readonly string[], name: string): Value;
}

const anyText: Reading<string> = { parse: (text) => text, allowed: "text" };

/** An argument that must be given. */
export function required(description: string, label?: string): Argument<string> {
  return { form: "required", description, label, read: ([word = ""]) => word };
}

/** An argument that may be missing. */
export function optional(description: string): Argument<string | undefined>;
export function optional<Value>(
  description: string,
  reading: Reading<Value>,
): Argument<Value | undefined>;
export function optional(
  description: string,
  reading: Reading<unknown> = anyText,
): Argument<unknown> {
  return {
    form: "optional",
    description,
    label: undefined,
    read: ([word], name) => (word === undefined ? undefined : readText(word, name, reading)),
  };
}

/** All further words. It must be the last argument. */
export function zeroOrMore(description: string, label?: string): Argument<readonly string[]> {
  return { form: "zeroOrMore", description, label, read: (words) => words };
}

/** All further words, of which there must be one. It must be the last argument. */
export function oneOrMore(description: string): Argument<readonly string[]> {
  return { form: "oneOrMore", description, label: undefined, read: (words) => words };
}

export function flag(description: string, options: { short?: string } = {}): Flag {
  return { form: "flag", description, short: options.short };
}

/** Every command that prints a table has it. */
export function jsonFlag(what: string): Flag {
  return flag(`print ${what} as JSON`);
}

/** Every command that shows what several hosts of a cluster answer has it. */
export function onHost(): ValueOption<string | undefined> {
  return value("<name>", "ask only this host of a cluster (lever hosts)");
}

/** An option with a value. If it is given several times, the last one counts. */
export function value(label: string, description: string): ValueOption<string | undefined>;
export function value<Value>(
  label: string,
  description: string,
  reading: Reading<Value> & { readonly short?: string },
): ValueOption<Value | undefined>;
export function value<Value>(
  label: string,
  description: string,
  reading: Reading<Value> & { readonly default: Value },
): ValueOption<Value>;
export function value(
  label: string,
  description: string,
  reading: Reading<unknown> & { readonly default?: unknown; readonly short?: string } = anyText,
): ValueOption<unknown> {
  const isDefaultShown = reading.default !== undefined;
  return {
    form: "value",
    label,
    description: isDefaultShown ? `${description} (default: ${reading.default})` : description,
    isRequired: false,
    short: reading.short,
    read(texts, name) {
      const text = texts.at(-1);
      return text === undefined ? reading.default : readText(text, name, reading);
    },
  };
}

/** An option with a value that must be given. */
export function requiredValue<Value>(
  label: string,
  description: string,
  reading: Reading<Value>,
): ValueOption<Value> {
  return {
    form: "value",
    label,
    description,
    isRequired: true,
    short: undefined,
    read: (texts, name) => readText(texts.at(-1) ?? "", name, reading),
  };
}

/** An option that may be given several times; all its values count. */
export function values<Value>(
  label: string,
  description: string,
  reading: Reading<Value>,
): ValueOption<readonly Value[]> {
  return {
    form: "value",
    label,
    description,
    isRequired: false,
    short: undefined,
    read: (texts, name) => texts.map((text) => readText(text, name, reading)),
  };
}

/** A reading that allows a few words only. */
export function oneOf<Word extends string>(...words: readonly Word[]): Reading<Word> {
  return {
    parse: (text) => words.find((word) => word === text),
    allowed: words.join(", "),
  };
}

function readText<Value>(text: string, name: string, { parse, allowed }: Reading<Value>): Value {
  const read = parse(text);
  if (read !== undefined) return read;
  throw usageError(`Cannot use ${JSON.stringify(text)} as ${name}: allowed is ${allowed}.`);
}
