import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Client } from "pg";
import type { KeyPairFiles } from "./certificates.ts";
import { childrenOf, sendSignal } from "./child-processes.ts";

const LOOPBACK: PostgresPlace = { address: "127.0.0.1", prefix: [] };
const PASSWORD = "not-secret";
/** A database cluster as initdb makes it, which takes longer than everything else. Each server gets a copy. */
const CACHE = join(import.meta.dirname, "../../node_modules/.cache/postgres");

/** The programs of the newest installed PostgreSQL: Debian has a folder for each. */
export const postgresPrograms = (): string | undefined =>
  globSync("/usr/lib/postgresql/*/bin/postgres").map(dirname).sort().at(-1);

/** PostgreSQL does not run as root. Debian's package creates this user. The server ends with this process. */
const asServerUser = (...command: readonly string[]): readonly string[] => [
  "setpriv",
  ...(process.getuid?.() === 0 ? ["--reuid=postgres", "--regid=postgres", "--clear-groups"] : []),
  "--pdeathsig=QUIT",
  "--",
  ...command,
];

export interface PostgresPlace {
  /** The address that it listens on. */
  readonly address: string;
  /** Begins its command line, such as `ip netns exec x`. */
  readonly prefix: readonly string[];
}

export interface PostgresOptions {
  /** The server is a standby of this one, which waits for it at each COMMIT. */
  readonly standbyOf?: TestPostgres;
  /** Connections may use TLS. */
  readonly tls?: KeyPairFiles;
  /** Another network, whose machines may all connect. Default: loopback. */
  readonly place?: PostgresPlace;
}

/** Removes the servers that were not disposed, each by itself. */
const leftovers = new Set<() => void>();
process.once("exit", () => {
  for (const remove of leftovers) remove();
});

/** A real PostgreSQL, with its data in a temporary folder. */
export class TestPostgres implements AsyncDisposable {
  readonly port: number;
  readonly #place: PostgresPlace;
  readonly #folder: string;
  readonly #settings: readonly string[];
  #server: ChildProcess | undefined;
  #databases = 0;
  readonly #abandon = (): void => {
    this.signal("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  };

  static async start(options: PostgresOptions = {}): Promise<TestPostgres> {
    const server = new TestPostgres(await freePort(), options);
    leftovers.add(server.#abandon);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(port: number, { standbyOf, place = LOOPBACK, tls }: PostgresOptions) {
    this.port = port;
    this.#place = place;
    this.#folder = mkdtempSync(join(tmpdir(), "lever-postgres-"));
    execFileSync("cp", ["-R", template(), this.#data]);
    chmodSync(this.#data, 0o700);
    if (place !== LOOPBACK) {
      const lines = ["all", "replication"].map((what) => `host ${what} all all scram-sha-256\n`);
      appendFileSync(join(this.#data, "pg_hba.conf"), lines.join(""));
    }
    // Both begin with the same data.
    if (standbyOf !== undefined) this.#follow(standbyOf);
    if (tls !== undefined) this.#useTls(tls);
    if (process.getuid?.() === 0) {
      execFileSync("chown", ["-R", "postgres:postgres", this.#folder]);
    }
    const own = { listen_addresses: place.address, unix_socket_directories: this.#folder };
    const all = { ...SETTINGS, ...own };
    this.#settings = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  /** The server reads what the other one writes, from its next start on. */
  #follow(other: TestPostgres): void {
    writeFileSync(join(this.#data, "standby.signal"), "");
    const primary = `host=${other.#place.address} port=${other.port} user=postgres password=${PASSWORD} application_name=standby`;
    appendFileSync(join(this.#data, "postgresql.conf"), `primary_conninfo = '${primary}'\n`);
  }

  /** It reads a key that only its user can read. */
  #useTls({ certFile, keyFile }: KeyPairFiles): void {
    const data = this.#data;
    cpSync(certFile, join(data, "server.crt"));
    cpSync(keyFile, join(data, "server.key"));
    chmodSync(join(data, "server.key"), 0o600);
    appendFileSync(join(data, "postgresql.conf"), "ssl = on\n");
  }

  /** Without a role, Lever's: it may create databases. `postgres` may do everything. */
  url(database: string, role = "lever"): string {
    const url = `postgres://${role}:${PASSWORD}@${this.#place.address}:${this.port}/${database}`;
    return this.#place === LOOPBACK ? url : `${url}?sslmode=disable`;
  }

  /** A connection that may do everything, or what the role may. Its socket is a file, for which the network does not matter. */
  async connect(database = "postgres", user = "postgres"): Promise<Client & AsyncDisposable> {
    const { port } = this;
    const client = new Client({ host: this.#folder, port, database, user, password: PASSWORD });
    client.on("error", () => {});
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  }

  /** The name of a new database that belongs to Lever's role. */
  async createDatabase(): Promise<string> {
    const name = `lever${++this.#databases}`;
    await using client = await this.connect();
    await client.query(`CREATE DATABASE ${name} OWNER lever`);
    return name;
  }

  /** Each COMMIT waits for the standby with this name, some milliseconds from now on; `""` = for none. */
  async waitForStandby(name: string): Promise<void> {
    await using client = await this.connect();
    await client.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
    await client.query("SELECT pg_reload_conf()");
  }

  /** The COMMITs of a database that wait for a standby now. */
  async waits(database: string): Promise<number> {
    await using client = await this.connect();
    const { rowCount } = await client.query(`SELECT pid ${WAITS}`, [database]);
    return rowCount ?? 0;
  }

  /** Ends the waits, as an administrator does; false = there was none. */
  async cancelWaits(database: string): Promise<boolean> {
    await using client = await this.connect();
    const { rowCount } = await client.query(`SELECT pg_cancel_backend(pid) ${WAITS}`, [database]);
    return rowCount !== 0;
  }

  async start(): Promise<void> {
    const [command = "", ...args] = [
      ...this.#place.prefix,
      ...asServerUser(join(programs(), "postgres"), "-D", this.#data, "-p", String(this.port)),
      ...this.#settings,
    ];
    const server = spawn(command, args, { cwd: this.#folder, stdio: ["ignore", "ignore", "pipe"] });
    this.#server = server;
    let output = "";
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: server.stderr }).on("line", (line) => {
        if (output.length < 10_000) output += `${line}\n`;
        if (/ready to accept (?:read-only )?connections/.test(line)) resolve();
      });
      server.on("error", reject);
      server.on("close", () => reject(new Error(`Cannot start PostgreSQL:\n${output}`)));
    });
  }

  /** The standby becomes a primary, which waits for no standby. */
  async promote(): Promise<void> {
    {
      await using client = await this.connect();
      await client.query("SELECT pg_promote()");
    }
    await this.waitForStandby("");
  }

  /** A former primary starts as a standby of this server, with a copy of its data. */
  async startAgainAsStandbyOf(primary: TestPostgres): Promise<void> {
    await this.stop();
    rmSync(this.#data, { recursive: true });
    const { address } = primary.#place;
    const from = `host=${address} port=${primary.port} user=postgres password=${PASSWORD}`;
    const [command = "", ...args] = [
      ...this.#place.prefix,
      ...asServerUser(join(programs(), "pg_basebackup"), "-d", from, "-D", this.#data),
      ...["--checkpoint=fast", "--no-sync"],
    ];
    execFileSync(command, args, { cwd: this.#folder, stdio: ["ignore", "ignore", "pipe"] });
    this.#follow(primary);
    await this.start();
  }

  /** Sends the signal, such as STOP, to each of its processes. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#server ?? {};
    if (pid === undefined) return;
    for (const process of [pid, ...childrenOf(pid)]) sendSignal(process, signal);
  }

  /** `QUIT`: ends at once, and recovers at the next start. `INT`: ends connections first. */
  async stop(signal: "SIGQUIT" | "SIGINT" = "SIGQUIT"): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    leftovers.delete(this.#abandon);
  }
}

const WAITS = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = $1";

/** Small and quick: a crash of the machine may lose everything. */
const SETTINGS: Readonly<Record<string, string>> = {
  fsync: "off",
  autovacuum: "off",
  jit: "off",
  shared_buffers: "16MB",
  wal_level: "replica",
  // A standby may be away for a while, and comes back at once.
  wal_keep_size: "256MB",
  wal_retrieve_retry_interval: "100ms",
  log_checkpoints: "off",
};

function programs(): string {
  const found = postgresPrograms();
  if (found === undefined) throw new Error("Cannot start PostgreSQL: it is not installed.");
  return found;
}

/** The folder of a database cluster with the roles `postgres` and `lever`. It is made once. */
function template(): string {
  const version = basename(dirname(programs()));
  const folder = join(CACHE, version);
  if (existsSync(folder)) return folder;
  const draft = mkdtempSync(join(tmpdir(), "lever-postgres-"));
  try {
    const passwordFile = join(draft, "password");
    writeFileSync(passwordFile, PASSWORD);
    chmodSync(passwordFile, 0o644);
    if (process.getuid?.() === 0) execFileSync("chown", ["-R", "postgres:postgres", draft]);
    const data = join(draft, "data");
    const run = (program: string, args: readonly string[], input = ""): void => {
      const [command = "", ...rest] = asServerUser(join(programs(), program), ...args);
      execFileSync(command, rest, { cwd: draft, input, stdio: ["pipe", "ignore", "pipe"] });
    };
    run("initdb", [
      ...["-D", data, "--no-sync", "--username=postgres", `--pwfile=${passwordFile}`],
      ...["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=1"],
    ]);
    const role = `CREATE ROLE lever LOGIN CREATEDB PASSWORD '${PASSWORD}';\n`;
    run("postgres", ["--single", "-D", data, "postgres"], role);
    mkdirSync(CACHE, { recursive: true });
    const copy = mkdtempSync(join(CACHE, "draft-"));
    cpSync(data, copy, { recursive: true });
    try {
      renameSync(copy, folder);
    } catch {
      // Another process was faster.
      rmSync(copy, { recursive: true });
    }
    return folder;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** A port that nothing listened on a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, LOOPBACK.address), "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
