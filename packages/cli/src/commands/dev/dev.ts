import { once } from "node:events";
import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus, usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { flag, optional, value } from "../../parameters.ts";
import { parsePort } from "../up/parse-port.ts";
import { watchStopSignals } from "../up/stop-signals.ts";
import { DEFAULT_PORT } from "../up/welcome.ts";
import type { DevSession } from "./dev-session.ts";

const KEYS =
  "Keys: o console, t trace of the last call, f one service only, r redeploy, l clear, q quit";

export const dev: Command = command({
  name: "dev",
  summary: "run every service of a folder, and reload on save",
  description:
    "Run Lever in this process with every service at or below a folder, and deploy each one again when its files change.",
  isLocal: true,
  arguments: { dir: optional("folder with the services (default: this one)") },
  options: {
    port: value(
      "<port>",
      `port to listen on (default: ${DEFAULT_PORT}, or the next one that is free)`,
      { parse: parsePort, allowed: "0 to 65535" },
    ),
    data: value("<dir>", "folder for the data of the services (default: .lever in the folder)"),
    inspect: value("<service>", "let a debugger attach to this service, at port 9229"),
    once: flag("deploy every service once and stop: with status 1 if one cannot be deployed"),
  },
  notes: `A service that cannot be deployed goes on with the version before, and the lines of its source are shown. Packages in
node_modules are used where they are, and those of the workspace are watched, too. Data is kept in the folder .lever.

Variables come from .env and .env.<service> in the folder, and from .env in the folder of the service.

A debugger finds each new version at the same port. Its service has one instance and no deadlines.

Keys on a terminal: o opens the console in a browser, t shows the trace of the last call, f the output of one service
after the other, r deploys all again, l clears the screen, q quits.`,
  examples: [
    ["lever dev", "all services in and below this folder"],
    ["lever dev services --port 9000"],
    ["lever dev --inspect shop", "and attach Chrome or VS Code to the service shop"],
    ["lever dev --once", "in CI: do all services start?"],
  ],
  run: async ({ dir: given = ".", port, data, inspect, once: isOnce }, readSettings) => {
    const { environment } = readSettings();
    const dir = await realpath(given).catch(() => {
      throw usageError(`Cannot develop ${given}: there is no such folder.`);
    });
    const { requested } = watchStopSignals(exitStatus.interrupted);
    // Loaded here: other commands start faster without the libraries behind it.
    const { DevSession: Session } = await import("./dev-session.ts");
    const session = await Session.open({
      dir,
      environment,
      port: isOnce ? (port ?? 0) : port,
      dataDir: data === undefined ? join(dir, ".lever") : resolve(data),
      inspect,
      // hasColors() respects NO_COLOR and FORCE_COLOR.
      isColored: process.stdout.isTTY && process.stdout.hasColors(),
      print: (text) => process.stdout.write(`${text}\n`),
    });
    if (isOnce) {
      await session.close();
      return endOnce(session);
    }
    const stop = new AbortController();
    // A test that has started this process, and ends.
    process.once("disconnect", () => stop.abort());
    process.send?.({ address: session.settings.host, problems: session.problems });
    requested.addEventListener("abort", () => stop.abort());
    const { readKeys } = await import("./dev-keys.ts");
    const endKeys = readKeys((key) => onKey(key, session, stop));
    if (process.stdin.isTTY) printNote(KEYS);
    void session.followOutput(stop.signal).catch(() => {});
    if (!requested.aborted && !stop.signal.aborted) await once(stop.signal, "abort");
    endKeys();
    await session.close();
    // A handle that a library left open must not keep a stopped host alive.
    process.exit(exitStatus.success);
  },
});

function endOnce({ services, failed }: DevSession): never {
  if (failed.length === 0) {
    const count = services.length === 1 ? "1 service starts" : `${services.length} services start`;
    printResult(`${count}.`);
    process.exit(exitStatus.success);
  }
  throw new CommandError(
    exitStatus.failed,
    `Cannot start ${failed.length} of ${services.length} services: ${failed.join(", ")}.`,
  );
}

function onKey(key: string, session: DevSession, stop: AbortController): void {
  switch (key) {
    case "q":
    // Ctrl-C: a terminal that passes single keys sends no signal.
    case "\u0003":
      if (stop.signal.aborted) process.exit(exitStatus.interrupted);
      printNote("Stopping after the calls in flight.");
      stop.abort();
      return;
    case "r":
      void session.deployAll();
      return;
    case "f": {
      const shown = session.showNext();
      printNote(shown === undefined ? "Showing all services." : `Showing ${shown} only.`);
      return;
    }
    case "o":
      void showConsole(session);
      return;
    case "t":
      void showLastTrace(session);
      return;
    case "l":
      process.stdout.write("\u001b[H\u001b[2J");
      return;
    case "h":
    case "?":
      printNote(KEYS);
  }
}

async function showConsole({ settings }: DevSession): Promise<void> {
  const { consoleAddress } = await import("../console/console.ts");
  const { openBrowser } = await import("../console/open-browser.ts");
  const address = await consoleAddress(settings);
  printNote(`The console is at ${address}`);
  await openBrowser(address);
}

async function showLastTrace(session: DevSession): Promise<void> {
  const { settings } = session;
  const { callAdmin } = await import("../../call-admin.ts");
  const [call] = await callAdmin(settings, "listCalls", settings.environment, { limit: 1 });
  if (call === undefined) return printNote("There was no call yet.");
  const { trace } = await import("../trace/trace.ts");
  await trace.run({ call: call.id, json: false }, () => settings);
}
