import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { findProgram } from "../harness/requirements.ts";

export interface DatabasePlace {
  /** The address that the servers listen on. */
  readonly address: string;
  /** Begins their command lines, such as `ip netns exec x`. */
  readonly prefix: readonly string[];
}

const POSTGRES_PORT = 5432;
const REDIS_PORT = 6379;
const PASSWORD = "not-secret";

/** PostgreSQL does not run as root. Debian's package creates this user. */
const AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];

/** Debian has the programs of each PostgreSQL in a folder of its version. */
const postgresPrograms = (): string | undefined =>
  globSync("/usr/lib/postgresql/*/bin").sort().at(-1);

/** The Debian packages of the servers that this machine lacks. */
export const databasePackagesMissing = (): string[] => [
  ...(postgresPrograms() === undefined ? ["postgresql"] : []),
  ...(findProgram("redis-server") === undefined ? ["redis-server"] : []),
];

/** A PostgreSQL and a Redis of the run, with their data in a temporary folder. Needs root. */
export class DatabaseServers implements AsyncDisposable {
  /** The variables by which services find them. */
  readonly variables: Readonly<Record<string, string>>;
  /** Their addresses and ports, as destinations of a network policy. */
  readonly destinations: readonly string[];
  readonly #folder = mkdtempSync(join(tmpdir(), "lever-databases-"));
  readonly #children: ChildProcess[] = [];
  readonly #killAll = (): void => {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  };

  static async start(place: DatabasePlace): Promise<DatabaseServers> {
    const servers = new DatabaseServers(place);
    try {
      await Promise.all([servers.#startPostgres(place), servers.#startRedis(place)]);
      return servers;
    } catch (error) {
      await servers[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor({ address }: DatabasePlace) {
    this.variables = {
      DATABASE_URL: `postgres://postgres:${PASSWORD}@${address}:${POSTGRES_PORT}/postgres`,
      REDIS_URL: `redis://:${PASSWORD}@${address}:${REDIS_PORT}`,
    };
    this.destinations = [`${address}:${POSTGRES_PORT}`, `${address}:${REDIS_PORT}`];
    chmodSync(this.#folder, 0o755);
    process.once("exit", this.#killAll);
  }

  async #startPostgres({ address, prefix }: DatabasePlace): Promise<void> {
    const programs = postgresPrograms() ?? "";
    const folder = join(this.#folder, "postgresql");
    const data = join(folder, "data");
    const passwordFile = join(folder, "password");
    mkdirSync(folder);
    writeFileSync(passwordFile, PASSWORD);
    execFileSync("chown", ["-R", "postgres:postgres", folder]);
    const [command = "", ...args] = [...AS_POSTGRES, join(programs, "initdb"), "-D", data];
    args.push("--no-sync", "--username=postgres", `--pwfile=${passwordFile}`);
    args.push("--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8");
    execFileSync(command, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    appendFileSync(join(data, "pg_hba.conf"), "host all all all scram-sha-256\n");
    await this.#start(
      [
        ...prefix,
        ...AS_POSTGRES,
        ...[join(programs, "postgres"), "-D", data, "-p", String(POSTGRES_PORT)],
        ...["-c", `listen_addresses=${address}`, "-c", `unix_socket_directories=${folder}`],
        ...["-c", "fsync=off"],
      ],
      "database system is ready to accept connections",
    );
  }

  async #startRedis({ address, prefix }: DatabasePlace): Promise<void> {
    await this.#start(
      [
        ...prefix,
        ...["redis-server", "--bind", address, "--port", String(REDIS_PORT)],
        ...["--requirepass", PASSWORD, "--save", "", "--dir", this.#folder],
      ],
      "Ready to accept connections",
    );
  }

  /** Starts a server, and waits until it prints these words. */
  async #start([command = "", ...args]: readonly string[], readyWords: string): Promise<void> {
    const child = spawn(command, args, { cwd: this.#folder, stdio: ["ignore", "pipe", "pipe"] });
    this.#children.push(child);
    let output = "";
    await new Promise<void>((resolve, reject) => {
      for (const input of [child.stdout, child.stderr]) {
        createInterface({ input }).on("line", (line) => {
          if (output.length < 10_000) output += `${line}\n`;
          if (line.includes(readyWords)) resolve();
        });
      }
      child.on("error", reject);
      child.on("close", () => reject(new Error(`Cannot start ${args.join(" ")}:\n${output}`)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // PostgreSQL ends its connections at INT, and waits for them at TERM.
    const running = this.#children.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    await Promise.all(
      running.map(async (child) => {
        child.kill("SIGINT");
        await once(child, "exit");
      }),
    );
    process.off("exit", this.#killAll);
    this.#killAll();
  }
}
