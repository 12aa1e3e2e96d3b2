import { basename, join, relative } from "node:path";
import type { Host } from "@leveros/host";
import {
  DEFAULT_ENVIRONMENT,
  type LeverJson,
  type LogMessage,
  type LogRecord,
} from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { CommandError, usageError } from "../../exit-status.ts";
import { parseHostAddress } from "../../host-address.ts";
import type { Settings } from "../../settings.ts";
import type { CodeEntry } from "../deploy/contents/contents.ts";
import { findWorkspaceRoot } from "../deploy/contents/workspace-root.ts";
import { followLogs } from "../logs/logs.ts";
import { DebuggerPort } from "./debugger-port.ts";
import { openDevHost } from "./dev-host.ts";
import { formatDeployed, formatFailed, formatOutput, type LineFormat } from "./dev-output.ts";
import { DevelopedService, type Outcome } from "./developed-service.ts";
import { findServices } from "./find-services.ts";
import { QuietMoment } from "./quiet-moment.ts";
import { serviceVariables } from "./service-variables.ts";
import { WatchedFolders } from "./watched-folders.ts";

/** The first port that a debugger gets: Node's own. */
const DEBUGGER_PORT = 9229;

export interface DevOptions {
  /** Absolute, without links. */
  readonly dir: string;
  readonly environment: string;
  readonly port: number | undefined;
  readonly dataDir: string;
  /** The service that a debugger is attached to; undefined = none. */
  readonly inspect: string | undefined;
  readonly isColored: boolean;
  print(text: string): void;
}

/** The services below a folder on a host in this process, deployed when their files change. */
export class DevSession {
  readonly #options: DevOptions;
  readonly #host: Host;
  readonly #debugger: DebuggerPort | undefined;
  readonly #quiet: QuietMoment;
  readonly #watched: WatchedFolders;
  readonly #services = new Map<string, DevelopedService>();
  /** The version of each service that is live, by its name. */
  readonly #live = new Map<string, number>();
  /** Only the output of this service is shown; undefined = of all. */
  #shown: string | undefined;

  private constructor(options: DevOptions, host: Host, debuggerPort: DebuggerPort | undefined) {
    this.#options = options;
    this.#host = host;
    this.#debugger = debuggerPort;
    this.#quiet = new QuietMoment(() => void this.#search());
    this.#watched = new WatchedFolders(() => this.#quiet.change());
  }

  /** Starts the host, and deploys all services once. @throws CommandError when there is no service, or no host starts. */
  static async open(options: DevOptions): Promise<DevSession> {
    const { dir, inspect, environment } = options;
    const { services } = await findServices(dir);
    if (services.length === 0) {
      throw usageError(
        `Cannot develop ${dir}: there is no lever.json in it or in a folder below. To begin with one: lever init`,
      );
    }
    const roots = await Promise.all([dir, ...services].map((at) => findWorkspaceRoot(at)));
    const debuggerPort = inspect === undefined ? undefined : await DebuggerPort.open(DEBUGGER_PORT);
    let session: DevSession | undefined;
    const host = await openDevHost({
      ...options,
      isDebugged: inspect !== undefined,
      development: {
        readable: [...new Set([dir, ...roots.filter((root) => root !== undefined)])],
        variablesOf: (service) => session?.variables(service) ?? {},
        nodeOptionsOf: async (service) =>
          service === inspect ? await debuggerPort?.nodeOptions() : undefined,
      },
    });
    session = new DevSession(options, host, debuggerPort);
    await session.#begin(environment);
    return session;
  }

  /** For commands against this host. */
  get settings(): Settings {
    const { environment } = this.#options;
    const host = `127.0.0.1:${this.#host.port}`;
    const hostUrl = parseHostAddress(host) ?? new URL(`http://${host}`);
    return { environment, host, hostUrl, token: undefined, flags: "" };
  }

  get services(): readonly DevelopedService[] {
    return [...this.#services.values()];
  }

  /** The names of services whose last save is not live. */
  get failed(): readonly string[] {
    return this.services.filter(({ problem }) => problem !== undefined).map(nameOf);
  }

  /** A sentence for each of them. */
  get problems(): readonly string[] {
    return this.services.flatMap((service) =>
      service.problem === undefined ? [] : [`${nameOf(service)}: ${service.problem}`],
    );
  }

  variables(name: string): Readonly<Record<string, string>> {
    const folder = this.services.find((service) => service.name === name)?.folder;
    return folder === undefined ? {} : serviceVariables(this.#options.dir, { name, folder });
  }

  /** Prints what services print, until the signal is aborted. */
  async followOutput(signal: AbortSignal): Promise<void> {
    const since = new Date().toISOString();
    const print = (message: LogMessage): void => {
      if ("text" in message) {
        const isShown = this.#shown === undefined || message.service === this.#shown;
        if (isShown) this.#options.print(this.#format(message));
      } else if ("dropped" in message) {
        this.#options.print(`… ${message.dropped} records were dropped: they came too fast.`);
      }
    };
    await followLogs(this.settings, { since }, { print, signal });
  }

  /** Deploys all services, also those that have not changed. */
  async deployAll(): Promise<void> {
    await Promise.all(this.services.map((service) => service.deploy({ isForced: true })));
  }

  /** Shows the output of the next service only; after the last one that of all again. Returns its name. */
  showNext(): string | undefined {
    const names = this.services.map(nameOf).sort();
    this.#shown = names[this.#shown === undefined ? 0 : names.indexOf(this.#shown) + 1];
    return this.#shown;
  }

  async close(): Promise<void> {
    this.#quiet.close();
    this.#watched.close();
    await Promise.all(this.services.map((service) => service.close()));
    this.#debugger?.close();
    await this.#host.close();
  }

  async #begin(environment: string): Promise<void> {
    const { print, dir, inspect } = this.#options;
    if (environment !== DEFAULT_ENVIRONMENT) await this.#createEnvironment(environment);
    print(`Lever is up at http://${this.settings.host}`);
    if (this.#debugger !== undefined) {
      print(
        `The debugger of ${inspect} is at 127.0.0.1:${this.#debugger.port}: open chrome://inspect, or attach VS Code. It has one instance, and its calls have no deadline.`,
      );
    }
    await this.#search();
    const names = this.services.map(nameOf);
    if (inspect !== undefined && !names.includes(inspect)) {
      const known = names.sort().join(", ");
      await this.close();
      throw usageError(
        `Cannot inspect ${inspect}: there is no such service in ${dir}, only ${known}.`,
      );
    }
  }

  async #createEnvironment(environment: string): Promise<void> {
    const known = await callAdmin(this.settings, "listEnvironments");
    if (known.some((found) => found.environment === environment)) return;
    await callAdmin(this.settings, "createEnvironment", environment);
  }

  /** Finds new services and those that are gone, and deploys what has changed. */
  async #search(): Promise<void> {
    const { dir } = this.#options;
    const found = await findServices(dir);
    // A service may have been written into a new folder before that was watched.
    if (this.#watched.set(new Set([dir, ...found.folders]))) this.#quiet.change();
    const gone = this.services.filter(({ folder }) => !found.services.includes(folder));
    await Promise.all(gone.map((service) => this.#remove(service)));
    for (const folder of found.services) {
      if (!this.#services.has(folder)) this.#services.set(folder, this.#develop(folder));
    }
    await Promise.all(this.services.map((service) => service.deploy()));
  }

  #develop(folder: string): DevelopedService {
    const service: DevelopedService = new DevelopedService({
      folder,
      claim: ({ name }) => this.#claim(name, service),
      variables: (name) => JSON.stringify(serviceVariables(this.#options.dir, { name, folder })),
      deploy: (entries, leverJson) => this.#deploy(entries, leverJson),
      onOutcome: (_service, outcome) => this.#report(service, outcome),
    });
    return service;
  }

  #claim(name: string, by: DevelopedService): string | undefined {
    const other = this.services.find((service) => service !== by && service.name === name);
    if (other === undefined) return undefined;
    const [here, there] = [by, other].map(
      ({ folder }) => relative(this.#options.dir, folder) || ".",
    );
    return `Cannot deploy ${here}: its name, ${name}, is that of the service in ${there}. Each service needs a name of its own.`;
  }

  async #deploy(entries: readonly CodeEntry[], leverJson: LeverJson): ReturnType<Host["deploy"]> {
    const { environment, inspect } = this.#options;
    if (leverJson.name !== inspect) return await this.#host.deploy(environment, entries);
    // A debugger is attached to one process.
    const text = JSON.stringify({ ...leverJson, minInstances: 1, maxInstances: 1 });
    const path = "lever.json";
    const others = entries.filter((entry) => entry.path !== path);
    return await this.#host.deploy(environment, [...others, { kind: "text", path, text }]);
  }

  #report(service: DevelopedService, outcome: Outcome): void {
    const { print } = this.#options;
    const name = nameOf(service);
    switch (outcome.kind) {
      case "deployed":
        this.#live.set(name, outcome.report.version);
        print(formatDeployed(outcome.report, outcome.ms, this.#lines));
        return;
      case "failed": {
        const liveVersion = this.#live.get(name);
        const { folder } = service;
        print(formatFailed(outcome.reason, { name, folder, liveVersion }, this.#lines));
        return;
      }
    }
  }

  async #remove(service: DevelopedService): Promise<void> {
    this.#services.delete(service.folder);
    await service.close();
    const { name } = service;
    if (name === undefined || !this.#live.delete(name)) return;
    const { environment, print } = this.#options;
    try {
      await callAdmin(this.settings, "removeService", environment, name, { keepData: true });
      print(`${name} is removed: ${join(service.folder, "lever.json")} is gone. Its data stays.`);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      print(error.message);
    }
  }

  get #lines(): LineFormat {
    const { isColored } = this.#options;
    return {
      isColored,
      width: Math.max(...this.services.map((service) => nameOf(service).length)),
    };
  }

  #format(record: LogRecord): string {
    const folder = this.services.find(({ name }) => name === record.service)?.folder;
    return formatOutput(record, folder, this.#lines);
  }
}

function nameOf({ name, folder }: DevelopedService): string {
  return name ?? basename(folder);
}
