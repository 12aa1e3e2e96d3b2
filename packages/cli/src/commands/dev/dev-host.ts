import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DevelopmentOptions, Host } from "@leveros/host";
import { formatLogLine } from "../up/log-line.ts";
import { openHost } from "../up/open-host.ts";
import { DEFAULT_PORT } from "../up/welcome.ts";
import { devLimits } from "./dev-limits.ts";
import { freePort } from "./free-port.ts";

const REMEDY = "Does lever dev run in this folder already? Choose another port with --port.";
/** The level of warnings in the log. */
const WARNING = 40;
/** The command says this itself. */
const SAID_ELSEWHERE: ReadonlySet<string> = new Set(["deploy failed", "workers lack cores"]);

export interface DevHostOptions {
  readonly dataDir: string;
  /** undefined = 8080, or the next one that is free. */
  readonly port: number | undefined;
  readonly isDebugged: boolean;
  readonly isColored: boolean;
  readonly development: DevelopmentOptions;
  print(line: string): void;
}

/** Starts a host in this process, for the services below a folder. */
export async function openDevHost(options: DevHostOptions): Promise<Host> {
  const { dataDir } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // Git sees nothing of it.
  await writeFile(join(dataDir, ".gitignore"), "*\n");
  const { limits, overridden } = devLimits(options);
  return await openHost(
    {
      bind: "127.0.0.1",
      port: options.port ?? (await freePort(DEFAULT_PORT)),
      dataDir,
      tls: undefined,
      workers: 1,
      limits,
      overriddenLimits: overridden,
      isolation: "process",
      isLocalOnly: true,
      otlp: undefined,
      showsOutput: false,
      logLevel: "info",
      development: options.development,
      logTo: {
        write: (line) => {
          const { level, msg } = JSON.parse(line) as { level: number; msg: string };
          if (level < WARNING || SAID_ELSEWHERE.has(msg)) return;
          options.print(formatLogLine(line.trimEnd(), options));
        },
      },
    },
    REMEDY,
  );
}
