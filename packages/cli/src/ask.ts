/** Questions on a terminal. They go to standard error, so that results can be redirected. */
import { CommandError, exitStatus, usageError } from "./exit-status.ts";
import { printNote } from "./output.ts";

/** Both a question and its answer reach a person. */
export function isOnTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Asks for one line. @throws CommandError on Ctrl-C. */
export async function askLine(question: string): Promise<string> {
  return await ask(question, { isHidden: false });
}

/** Asks for one line, which is not shown. @throws CommandError on Ctrl-C. */
export async function askHidden(question: string): Promise<string> {
  return await ask(question, { isHidden: true });
}

/**
 * Asks whether to do what `plan` describes. Without a terminal, `--yes` must be given.
 * @throws CommandError when the answer is not yes.
 */
export async function confirm(plan: string, { isSure }: { isSure: boolean }): Promise<void> {
  if (isSure) return;
  if (!isOnTerminal()) throw usageError(`${plan}\nTo do it, add --yes.`);
  printNote(plan);
  const answer = await ask("Continue? [y/N] ", { isHidden: false });
  if (/^y(?:es)?$/i.test(answer.trim())) return;
  throw new CommandError(exitStatus.lever, "Nothing has changed: the answer was not yes.");
}

async function ask(question: string, { isHidden }: { isHidden: boolean }): Promise<string> {
  const { createInterface } = await import("node:readline");
  const { Writable } = await import("node:stream");
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: isHidden ? nowhere : process.stderr,
    terminal: true,
    historySize: 0,
  });
  try {
    return await new Promise((resolve, reject) => {
      if (isHidden) {
        // The terminal no longer shows what is typed.
        process.stderr.write(question);
        lines.once("line", resolve);
      } else lines.question(question, resolve);
      lines.once("SIGINT", () => reject(new CommandError(exitStatus.interrupted, "Interrupted.")));
      // Ctrl-D
      lines.once("close", () => resolve(""));
    });
  } finally {
    lines.close();
    if (isHidden) process.stderr.write("\n");
  }
}
