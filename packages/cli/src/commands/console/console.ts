import { DEFAULT_ENVIRONMENT, isLoopbackName } from "@leveros/protocol";
import { isOnTerminal } from "../../ask.ts";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printNote, printResult } from "../../output.ts";
import { flag } from "../../parameters.ts";
import type { Settings } from "../../settings.ts";
import { openBrowser } from "./open-browser.ts";

export const openConsole: Command = command({
  name: "console",
  summary: "open the console in a browser",
  description:
    "Open the console of a host in a browser: services, logs, calls, traces, and a form to call a method.",
  options: { print: flag("print the address only") },
  notes: `With a token, the address has a code. It opens the console once, within a minute, with the rights of the token. The
console works at addresses of this machine, and over TLS at the names of the host's certificate.`,
  examples: [["lever console"], ["lever -H https://lever.example console --print"]],
  run: async ({ print }, readSettings) => {
    const settings = readSettings();
    const address = await consoleAddress(settings);
    printResult(address);
    const { hostname, protocol } = settings.hostUrl;
    if (protocol === "http:" && !isLoopbackName(hostname)) {
      printNote(
        `The console cannot call ${settings.host}: pages may do that at addresses of the machine itself, and over TLS.`,
      );
    }
    if (!print && isOnTerminal()) await openBrowser(address);
  },
});

/** The address that opens the console, with a code if the host wants one. */
export async function consoleAddress(settings: Settings): Promise<string> {
  const { code } = await callAdmin(settings, "createConsoleCode");
  const url = new URL("/-/console/", settings.hostUrl);
  if (settings.environment !== DEFAULT_ENVIRONMENT) {
    url.searchParams.set("env", settings.environment);
  }
  if (code !== null) url.hash = `code=${code}`;
  return url.href;
}
