import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { declareDeploy } from "./commands/deploy/deploy.ts";
import { declareDoctor } from "./commands/doctor/doctor.ts";
import { declareEnv } from "./commands/env/env.ts";
import { declareEvents, declareWhy } from "./commands/events/events.ts";
import { declareExplain } from "./commands/explain/explain.ts";
import { declareInvoke, markStdinBytes } from "./commands/invoke/invoke.ts";
import { declareLimits } from "./commands/limits/limits.ts";
import { declareLs } from "./commands/ls/ls.ts";
import { declarePs } from "./commands/ps/ps.ts";
import { declareRollback } from "./commands/rollback/rollback.ts";
import { declareStream } from "./commands/stream/stream.ts";
import { declareAudit, declareLogin, declareToken } from "./commands/token/token.ts";
import { declareUp } from "./commands/up/up.ts";
import { declareSecret, declareVar } from "./commands/variables/variables.ts";
import { describeFailure, type ExitStatus, exitStatus } from "./exit-status.ts";
import { printNote, watchOutput } from "./output.ts";
import { declareSettings } from "./settings.ts";

const HELP = `
Start here:
  lever up                                        in one terminal: Lever runs on this machine
  lever deploy ./hello                            in another: run the service in that folder
  lever invoke /helloService/sayHello '"world"'   call a method of it
  lever ls                                        see what is deployed

Exit status: 0 success, 1 the method failed, 2 the command was not understood, 3 Lever refused or did not answer.
Results are printed on standard output, everything else on standard error.`;

/** Runs one command line, without the program's own name. */
async function run(argv: readonly string[]): Promise<ExitStatus> {
  try {
    await declareProgram().parseAsync(markStdinBytes(argv), { from: "user" });
    return exitStatus.success;
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed what there is to say: help, the version, or what it did not understand.
      return error.exitCode === 0 ? exitStatus.success : exitStatus.usage;
    }
    const { text, status } = describeFailure(error);
    printNote(`lever: ${text}`);
    return status;
  }
}

function declareProgram(): Command {
  const program = new Command("lever");
  program
    .description("Run services on Lever: deploy folders, call methods by URL.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show help for a command")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "lever: ")),
    })
    .showHelpAfterError("See: lever --help")
    .addHelpText("after", HELP)
    .exitOverride();
  declareSettings(program);
  declareUp(program);
  declareDoctor(program);
  declareDeploy(program);
  declareInvoke(program);
  declareStream(program);
  declareLs(program);
  declarePs(program);
  declareExplain(program);
  declareEvents(program);
  declareWhy(program);
  declareRollback(program);
  declareEnv(program);
  declareVar(program);
  declareSecret(program);
  declareToken(program);
  declareLogin(program);
  declareAudit(program);
  declareLimits(program);
  return program;
}

function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

watchOutput((error) => {
  printNote(`lever: Cannot write the result: ${error.message}`);
  process.exitCode = exitStatus.lever;
});
const status = await run(process.argv.slice(2));
// Not exit(): what has been written to a pipe must still get through.
process.exitCode ||= status;
