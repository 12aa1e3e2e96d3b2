import { once } from "node:events";
import { printableLines } from "@leveros/protocol";
import type { RemoteStream } from "leveros";
import { parseArgument, readMethodUrl, timeout } from "../../call-arguments.ts";
import { type Command, command } from "../../command.ts";
import { flag, required, value, zeroOrMore } from "../../parameters.ts";
import { sendBytes, sendLines } from "./send-input.ts";

export const stream: Command = command({
  name: "stream",
  summary: "call a streaming method",
  description:
    "Call a streaming method: send it standard input, and print the messages that it sends.",
  arguments: {
    url: required("Lever URL of the method"),
    jsonargs: zeroOrMore("arguments, each as JSON"),
  },
  options: {
    bytes: flag("send standard input as bytes, not as lines of JSON"),
    pretty: flag("print messages indented, over several lines"),
    timeout: value(
      "<time>",
      "longest time the call may take: 500ms, 1.5s, 2m, 1h (default: without end)",
      timeout,
    ),
  },
  notes: `Each line of standard input is sent as one JSON message; each message of the method is printed as one line. At the
end of standard input the stream is half-closed. The command ends when the method ends the stream. With --bytes,
standard input is sent as bytes, in messages of any size. Received bytes are printed as they are.`,
  examples: [
    ["lever stream /chat/lobby/joinChan '\"Ada\"'"],
    ["seq 1 5 | lever stream /calculator/sumChan"],
    ["lever stream --bytes /archive/uploadChan '\"photos.tar\"' < photos.tar"],
    ["lever stream /ticker/pricesChan < /dev/null | head -3"],
  ],
  run: async ({ url: text, jsonargs, bytes, pretty, timeout: timeoutMs = 0 }, readSettings) => {
    const { environment, host, token } = readSettings();
    const url = readMethodUrl(text, { environment, isStreaming: true });
    const args = jsonargs.map(parseArgument);
    const { Client } = await import("leveros");
    const client = new Client({ forceHost: host, token, timeoutMs });
    const opened = await client.invokeChanURL(url, ...args);
    await exchange(opened, { bytes, pretty });
  },
});

async function exchange(
  opened: RemoteStream,
  { bytes, pretty }: { bytes: boolean; pretty: boolean },
): Promise<void> {
  // The reader of the output may close it early, as head does. Then the call is of no more use.
  process.stdout.on("error", () => opened.cancel());
  // After the method has ended the stream, the rest of the input has no receiver.
  const ended = new AbortController();
  const sending = (bytes ? sendBytes(opened) : sendLines(opened, ended.signal)).catch(
    (error: unknown) => {
      opened.cancel();
      throw error;
    },
  );
  const [received, sent] = await Promise.allSettled([
    printMessages(opened, pretty).finally(() => {
      ended.abort();
      process.stdin.destroy();
    }),
    sending,
  ]);
  // A failure of the input comes first: it is the reason why the stream was cancelled.
  if (sent.status === "rejected" && !isStdinGone(sent.reason)) throw sent.reason;
  if (received.status === "rejected" && !isStdoutGone(received.reason)) throw received.reason;
}

async function printMessages(opened: RemoteStream, isPretty: boolean): Promise<void> {
  for await (const message of opened) {
    const output =
      message instanceof Uint8Array
        ? message
        : `${printableLines(JSON.stringify(message, undefined, isPretty ? 2 : 0))}\n`;
    if (process.stdout.destroyed) return;
    if (!process.stdout.write(output)) await once(process.stdout, "drain");
  }
}

/** Standard input is closed when the method ends the stream first. */
function isStdinGone(error: unknown): boolean {
  return hasCode(error, "ERR_STREAM_PREMATURE_CLOSE") || hasCode(error, "ERR_USE_AFTER_CLOSE");
}

function isStdoutGone(error: unknown): boolean {
  return process.stdout.destroyed || hasCode(error, "EPIPE");
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
