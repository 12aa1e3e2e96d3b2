import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { findProgram } from "../harness/requirements.ts";

const ADDRESS = "127.0.0.1";
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

interface Ports {
  readonly postgres: number;
  readonly redis: number;
}

/** Ports that nothing listened on a moment ago. */
async function freePorts(): Promise<Ports> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server.listen(0, ADDRESS), "listening");
      return (server.address() as AddressInfo).port;
    }),
  );
  for (const server of servers) server.close();
  const [postgres = 0, redis = 0] = ports;
  return { postgres, redis };
}

/** A PostgreSQL and a Redis of the run on loopback, with their data in a temporary folder. Needs root. */
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

  static async start(): Promise<DatabaseServers> {
    const ports = await freePorts();
    const servers = new DatabaseServers(ports);
    try {
      await Promise.all([servers.#startPostgres(ports.postgres), servers.#startRedis(ports.redis)]);
      return servers;
    } catch (error) {
      await servers[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor({ postgres, redis }: Ports) {
    this.variables = {
      DATABASE_URL: `postgres://postgres:${PASSWORD}@${ADDRESS}:${postgres}/postgres`,
      REDIS_URL: `redis://:${PASSWORD}@${ADDRESS}:${redis}`,
    };
    this.destinations = [`${ADDRESS}:${postgres}`, `${ADDRESS}:${redis}`];
    chmodSync(this.#folder, 0o755);
    process.once("exit", this.#killAll);
  }

  async #startPostgres(port: number): Promise<void> {
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
    await this.#start(
      [
        ...AS_POSTGRES,
        ...[join(programs, "postgres"), "-D", data, "-p", String(port)],
        ...["-c", `listen_addresses=${ADDRESS}`, "-c", `unix_socket_directories=${folder}`],
        ...["-c", "fsync=off"],
      ],
      "database system is ready to accept connections",
    );
  }

  async #startRedis(port: number): Promise<void> {
    await this.#start(
      [
        ...["redis-server", "--bind", ADDRESS, "--port", String(port)],
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
