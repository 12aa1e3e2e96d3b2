import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Command } from "commander";
import type { RemoteStream } from "leveros";
import { readArgument, readMethodUrl, readTimeout } from "../../call-arguments.ts";
import { usageError } from "../../exit-status.ts";
import { printNote } from "../../output.ts";
import { readSettings, type Settings } from "../../settings.ts";

const HELP = `
Each line of standard input is a JSON message to the method; each of its messages is a line of standard output.
At the end of standard input the stream is half-closed; the command ends when the method ends the stream.
With --bytes, standard input goes as bytes, in pieces of any size. Bytes that come are printed as they are.

Examples:
  lever stream /chat/lobby/joinChan '"Ada"'
  seq 1 5 | lever stream /calculator/sumChan
  lever stream --bytes /archive/uploadChan '"photos.tar"' < photos.tar
  lever stream /ticker/pricesChan < /dev/null | head -3`;

interface StreamOptions {
  readonly bytes?: true;
  readonly pretty?: true;
  readonly timeout?: string;
}

export function declareStream(program: Command): void {
  program
    .command("stream")
    .summary("talk with a streaming method")
    .description("Talk with a streaming method: standard input to it, standard output from it.")
    .argument("<url>", "Lever URL of the method")
    .argument("[jsonargs...]", "arguments, each as JSON")
    .option("--bytes", "send standard input as bytes, not as lines of JSON")
    .option("--pretty", "print messages indented, over several lines")
    .option("--timeout <time>", "give up after this time: 500ms, 10s, 2m (default: never)")
    .addHelpText("after", HELP)
    .action((url: string, words: string[], options: StreamOptions) =>
      stream(url, words, { ...options, settings: readSettings(program) }),
    );
}

async function stream(
  urlText: string,
  words: readonly string[],
  options: StreamOptions & { settings: Settings },
): Promise<void> {
  const { settings } = options;
  const url = readMethodUrl(urlText, { environment: settings.environment, isStreaming: true });
  const timeoutMs = readTimeout(options.timeout);
  const args = words.map(readArgument);
  const { Client } = await import("leveros");
  const client = new Client({ forceHost: settings.host, token: settings.token, timeoutMs });
  const opened = await client.invokeChanURL(url, ...args);
  // Whoever reads the output may leave early: then there is nothing left to do.
  process.stdout.on("error", () => opened.cancel());
  // When the method has ended the stream, nobody reads the input any more.
  const ended = new AbortController();
  const sending = (options.bytes ? sendBytes(opened) : sendLines(opened, ended.signal)).catch(
    (error: unknown) => {
      opened.cancel();
      throw error;
    },
  );
  const [received, sent] = await Promise.allSettled([
    receive(opened, options.pretty === true).finally(() => {
      ended.abort();
      process.stdin.destroy();
    }),
    sending,
  ]);
  // What was wrong with the input is the reason; that the stream was then cancelled is not.
  if (sent.status === "rejected" && !isStdinGone(sent.reason)) throw sent.reason;
  if (received.status === "rejected" && !isStdoutGone(received.reason)) throw received.reason;
}

async function receive(opened: RemoteStream, isPretty: boolean): Promise<void> {
  for await (const message of opened) {
    const output =
      message instanceof Uint8Array
        ? message
        : `${JSON.stringify(message, undefined, isPretty ? 2 : 0)}\n`;
    if (process.stdout.destroyed) return;
    if (!process.stdout.write(output)) await once(process.stdout, "drain");
  }
}

async function sendLines(opened: RemoteStream, signal: AbortSignal): Promise<void> {
  if (process.stdin.isTTY) printNote("Each line is a JSON message; Ctrl-D ends them.");
  let number = 0;
  for await (const line of createInterface({ input: process.stdin, signal })) {
    number++;
    if (line.trim() === "") continue;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      throw usageError(
        `Cannot send line ${number} of standard input: it is not JSON. A string needs quotes: ${JSON.stringify(line.slice(0, 200))}`,
      );
    }
    if (!opened.write(message)) await opened.drained();
  }
  opened.end();
}

async function sendBytes(opened: RemoteStream): Promise<void> {
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    if (!opened.write(chunk)) await opened.drained();
  }
  opened.end();
}

/** Standard input is closed when the method has ended the stream before its caller. */
function isStdinGone(error: unknown): boolean {
  return hasCode(error, "ERR_STREAM_PREMATURE_CLOSE") || hasCode(error, "ERR_USE_AFTER_CLOSE");
}

function isStdoutGone(error: unknown): boolean {
  return process.stdout.destroyed || hasCode(error, "EPIPE");
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
