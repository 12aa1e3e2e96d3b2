import type { Command } from "commander";
import { readArgument, readMethodUrl, readTimeout } from "../../call-arguments.ts";
import { usageError } from "../../exit-status.ts";
import { printBytes, printNote, printResult } from "../../output.ts";
import { readSettings, type Settings } from "../../settings.ts";

/** Stands for the word `--` of the command line; no word that a shell passes on can hold a zero byte. */
const STDIN_BYTES = "\0--";
/** Of standard input; hosts by themselves take 4 MiB. */
const STDIN_BYTES_MAX = 64 * 1024 * 1024;

const HELP = `
The URL is lever://<environment>/<service>/<method>, or /<service>/<method> in the environment of -E.
A resource goes between service and method: /<service>/<resource>/<method>.
Each argument is JSON; a string needs JSON's quotes inside the shell's: '"world"'.
The result is printed as JSON on one line; bytes are printed as they are.

Examples:
  lever invoke /helloService/sayHello '"world"'
  lever invoke /calculator/add 2 3
  lever invoke lever://prod.lever/users/find '{"name": "Ada"}' --pretty
  lever invoke /images/resize -- < photo.jpg > small.jpg`;

interface InvokeOptions {
  readonly pretty?: true;
  readonly timeout?: string;
}

export function declareInvoke(program: Command): void {
  program
    .command("invoke")
    .summary("call a method")
    .description("Call a method and print its result.")
    .argument("<url>", "Lever URL of the method")
    .argument("[jsonargs...]", "arguments, each as JSON; or -- for bytes from standard input")
    .option("--pretty", "print the result indented, over several lines")
    .option(
      "--timeout <time>",
      "give up after this time: 500ms, 10s, 2m (default: the host's, 60s)",
    )
    .addHelpText("after", HELP)
    .action((url: string, words: string[], options: InvokeOptions) =>
      invoke(url, words, { ...options, settings: readSettings(program) }),
    );
}

/**
 * `--` means bytes from standard input to this command, and the end of options to every other: here it is put out of
 * the parser's sight.
 */
export function markStdinBytes(argv: readonly string[]): string[] {
  const isInvoke = argv[commandIndex(argv)] === "invoke";
  return argv.map((word) => (word === "--" && isInvoke ? STDIN_BYTES : word));
}

/** Where the name of the command is: the first word that is neither an option nor an option's value. */
function commandIndex(argv: readonly string[]): number {
  let index = 0;
  while (argv[index]?.startsWith("-") === true) {
    index += /^(?:-E|-H|--env|--host)$/.test(argv[index] ?? "") ? 2 : 1;
  }
  return index;
}

async function invoke(
  urlText: string,
  words: readonly string[],
  options: InvokeOptions & { settings: Settings },
): Promise<void> {
  const { settings, pretty, timeout } = options;
  const url = readMethodUrl(urlText, { environment: settings.environment, isStreaming: false });
  const timeoutMs = readTimeout(timeout);
  const args = words.includes(STDIN_BYTES) ? [await readStdin(words)] : words.map(readArgument);
  const { Client } = await import("leveros");
  const client = new Client({ forceHost: settings.host, token: settings.token, timeoutMs });
  const result = await client.invokeURL(url, ...args);
  if (result instanceof Uint8Array) printBytes(result);
  else printResult(JSON.stringify(result, undefined, pretty ? 2 : 0));
}

async function readStdin(words: readonly string[]): Promise<Buffer> {
  if (words.length > 1) {
    throw usageError(
      "Cannot read the arguments: -- stands for bytes from standard input, and for no others beside them.",
    );
  }
  if (process.stdin.isTTY) printNote("Reading bytes from the terminal; Ctrl-D ends them.");
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > STDIN_BYTES_MAX) {
      throw usageError(`Cannot read standard input: it has more than ${STDIN_BYTES_MAX} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
