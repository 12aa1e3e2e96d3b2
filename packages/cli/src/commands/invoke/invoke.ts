import { parseArgument, readMethodUrl, timeout } from "../../call-arguments.ts";
import { type Command, command } from "../../command.ts";
import { printBytes, printResult } from "../../output.ts";
import { flag, required, value, zeroOrMore } from "../../parameters.ts";
import { readStdinBytes } from "./stdin-bytes.ts";

export const invoke: Command = command({
  name: "invoke",
  summary: "call a method",
  description: "Call a method and print its result.",
  arguments: {
    url: required("Lever URL of the method"),
    jsonargs: zeroOrMore("arguments, each as JSON; or -- for bytes from standard input"),
  },
  options: {
    pretty: flag("print the result indented, over several lines"),
    timeout: value(
      "<time>",
      "longest time to wait: 500ms, 1.5s, 2m, 1h (default: that of the host, 60s)",
      timeout,
    ),
  },
  notes: `The URL is lever://<environment>/<service>/<method>, or /<service>/<method> in the environment of -E. The name of a
resource goes between service and method: /<service>/<resource>/<method>. Each argument is JSON. A string needs JSON's
quotes inside the quotes of the shell: '"world"'. The result is printed as one line of JSON; bytes are printed as
they are.`,
  examples: [
    ["lever invoke /helloService/sayHello '\"world\"'"],
    ["lever invoke /calculator/add 2 3"],
    ['lever invoke lever://prod.lever/users/find \'{"name": "Ada"}\' --pretty'],
    ["lever invoke /images/resize -- < photo.jpg > small.jpg"],
  ],
  run: async ({ url: text, jsonargs, pretty, timeout: timeoutMs = 0 }, readSettings) => {
    const { environment, host, token } = readSettings();
    const url = readMethodUrl(text, { environment, isStreaming: false });
    const bytes = await readStdinBytes(jsonargs);
    const args = bytes === undefined ? jsonargs.map(parseArgument) : [bytes];
    const { Client } = await import("leveros");
    const client = new Client({ forceHost: host, token, timeoutMs });
    const result = await client.invokeURL(url, ...args);
    if (result instanceof Uint8Array) printBytes(result);
    else printResult(JSON.stringify(result, undefined, pretty ? 2 : 0));
  },
});
