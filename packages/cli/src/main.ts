import { CommanderError } from "commander";
import { asksForVersion, findCommandName, markStdinBytes } from "./command-line.ts";
import { loadCommands } from "./commands/index.ts";
import { describeFailure, type ExitStatus, exitStatus, usageError } from "./exit-status.ts";
import { commandMeant, withoutAlias } from "./other-names.ts";
import { printNote, watchOutput } from "./output.ts";
import { createProgram } from "./program.ts";
import { readVersion } from "./version.ts";

/** Runs one command line, without the program's own name. */
async function run(given: readonly string[]): Promise<ExitStatus> {
  try {
    const wanted = findCommandName(given);
    const meant = commandMeant(wanted);
    if (meant !== undefined) {
      throw usageError(
        `Cannot read the command line: unknown command '${wanted}'. Did you mean lever ${meant}?\nSee: lever --help`,
      );
    }
    const argv = given[0] === "version" ? ["--version"] : withoutAlias(given);
    const commands = asksForVersion(argv) ? [] : await loadCommands(findCommandName(argv));
    const program = createProgram(commands, { version: readVersion() });
    await program.parseAsync(markStdinBytes(argv), { from: "user" });
    return exitStatus.success;
  } catch (error) {
    if (error instanceof CommanderError) {
      // The parser has printed the help, the version or the error itself.
      return error.exitCode === 0 ? exitStatus.success : exitStatus.usage;
    }
    const { text, status } = describeFailure(error);
    printNote(`lever: ${text}`);
    return status;
  }
}

watchOutput((error) => {
  printNote(`lever: Cannot write the result: ${error.message}`);
  process.exitCode = exitStatus.lever;
});
void run(process.argv.slice(2)).then((status) => {
  // Not exit(): output that is still on its way into a pipe must arrive.
  process.exitCode ||= status;
});
