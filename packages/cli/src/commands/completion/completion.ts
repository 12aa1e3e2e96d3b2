import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { readContexts } from "../../contexts.ts";
import { usageError } from "../../exit-status.ts";
import { printResult } from "../../output.ts";
import { required, zeroOrMore } from "../../parameters.ts";
import { readSettings as settingsOf } from "../../settings.ts";
import type { KnownCommands } from "./next-words.ts";
import { scripts } from "./scripts.ts";

/** A person waits for the words. */
const ANSWER_MS_MAX = 1_000;

type Commands = Pick<KnownCommands, "names" | "load">;

/** The command, which completes the names of these commands. */
export const completionOf = (commands: Commands): Command =>
  command({
    name: "completion",
    summary: "complete commands, services and methods in a shell",
    description:
      "Print a script for bash, zsh or fish, which completes the words of a command line.",
    isLocal: true,
    arguments: {
      shell: required("bash, zsh or fish"),
      words: zeroOrMore("for the scripts: after shell = words, the words so far", "words"),
    },
    notes: `Names of services, methods and instances are those of the host that the command line, or its variables, name.`,
    examples: [
      ["lever completion bash >> ~/.bash_completion"],
      ["lever completion zsh >> ~/.zshrc", "after compinit"],
      ["lever completion fish > ~/.config/fish/completions/lever.fish"],
    ],
    run: async ({ shell, words }) => {
      switch (shell) {
        case "bash":
        case "zsh":
        case "fish":
          printResult(scripts[shell]);
          return;
        case "words": {
          const found = await findWords(words, commands);
          if (found.length > 0) printResult(found.join("\n"));
          return;
        }
        default:
          throw usageError(
            `Cannot complete for ${JSON.stringify(shell)}: allowed is bash, zsh, fish.`,
          );
      }
    },
  });

async function findWords(words: readonly string[], commands: Commands): Promise<readonly string[]> {
  const { nextWords } = await import("./next-words.ts");
  return await nextWords(words, {
    ...commands,
    contexts: () => readContexts(process.env).all.map(({ name }) => name),
    services: async () => {
      const flags = { ...valueAfter(words, "env", "-E"), ...valueAfter(words, "host", "-H") };
      try {
        const settings = settingsOf(flags, process.env);
        const listed = callAdmin(settings, "listServices", settings.environment);
        const late = new Promise<[]>((resolve) => {
          setTimeout(() => resolve([]), ANSWER_MS_MAX).unref();
        });
        return await Promise.race([listed, late]);
      } catch {
        return [];
      }
    },
  });
}

function valueAfter(words: readonly string[], name: "env" | "host", short: string): object {
  const at = words.findIndex((word) => word === short || word === `--${name}`);
  const value = at < 0 ? undefined : words[at + 1];
  return value === undefined ? {} : { [name]: value };
}
