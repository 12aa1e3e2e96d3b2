/** The options of every command that have a value, which may stand before the command's name. */
const VALUE_OPTION = /^(?:-E|-H|--env|--host)$/;

/** Returns the name of the command: the first word that is neither an option nor the value of one. */
export function findCommandName(argv: readonly string[]): string | undefined {
  return argv[commandIndex(argv)];
}

/** The place of the command's name, or the end of a command line without one. */
export function commandIndex(argv: readonly string[]): number {
  let index = 0;
  while (argv[index]?.startsWith("-") === true) {
    index += VALUE_OPTION.test(argv[index] ?? "") ? 2 : 1;
  }
  return index;
}

/** Whether the command line asks for nothing but the version. */
export function asksForVersion([first]: readonly string[]): boolean {
  return first === "-V" || first === "--version" || first === "version";
}

/** Replaces the word `--` of the command line. No word that a shell passes on can hold a zero byte. */
export const STDIN_BYTES = "\0--";

/**
 * To `lever invoke`, `--` means bytes from standard input. To every other command it ends the options, and the parser
 * removes it. This hides the word of `lever invoke` from the parser.
 */
export function markStdinBytes(argv: readonly string[]): string[] {
  const isInvoke = findCommandName(argv) === "invoke";
  return argv.map((word) => (word === "--" && isInvoke ? STDIN_BYTES : word));
}
