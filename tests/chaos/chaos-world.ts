import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdminMethods, DeployReport } from "@leveros/protocol";
import { eventually } from "../harness/eventually.ts";
import { startLever } from "../harness/lever.ts";
import { runLever } from "../harness/run-lever.ts";
import { type CallEnd, outcomeOf } from "./call-outcomes.ts";
import { ChaosDatabase } from "./chaos-database.ts";
import { ChaosHost } from "./chaos-host.ts";
import { book, changing, configured, plain } from "./chaos-services.ts";
import { Callers, Witness } from "./machine-programs.ts";
import { Machines } from "./machines.ts";

const HOSTS = ["a", "b", "c"];
const DATABASES = ["db1", "db2"] as const;
const CALLERS = "callers";
const WITNESS = "witness";
const PORT = 8_080;
/** Shorter than callers wait. */
const CALL_TIMEOUT_MS = 20_000;
/** Longer than a lease, a start and a fail-over one after the other take on a busy machine. */
const SETTLED_MS_MAX = 45_000;
/** Changes that hosts apply within moments. */
const BEHIND_MAX = 10;

/** The answer of a method of the admin service. */
export type AdminAnswer<Value> =
  | { readonly isDone: true; readonly value: Value }
  | { readonly isDone: false; readonly outcome: string };

/** Three hosts that are one Lever, their database, a machine of callers and a witness, on networks of their own. */
export class ChaosWorld implements AsyncDisposable {
  readonly machines: Machines;
  readonly database: ChaosDatabase;
  readonly hosts: readonly ChaosHost[];
  readonly callers: Callers;
  readonly witness: Witness;
  /** Allows everything. */
  readonly token: string;
  readonly #stack: AsyncDisposableStack;

  static async start(): Promise<ChaosWorld> {
    await using stack = new AsyncDisposableStack();
    const machines = stack.use(new Machines([...HOSTS, ...DATABASES, CALLERS, WITNESS]));
    for (const host of HOSTS) machines.connect(host, WITNESS);
    const witness = stack.use(await Witness.start(machines.prefixOf(WITNESS)));
    const callers = stack.use(await Callers.start(machines.prefixOf(CALLERS)));
    const database = stack.use(await ChaosDatabase.start(machines, DATABASES));
    const hosts = stack.use(await createHosts(machines, database));
    const [first, ...others] = hosts.all;
    if (first === undefined) throw new Error("There is no host.");
    await first.start();
    const token = await firstToken(machines, first);
    await Promise.all(others.map((host) => host.start()));
    const parts = { machines, database, hosts: hosts.all, callers, witness, token };
    const world = new ChaosWorld(parts, stack.move());
    return await world.#prepared();
  }

  private constructor(
    parts: Pick<ChaosWorld, "machines" | "database" | "hosts" | "callers" | "witness" | "token">,
    stack: AsyncDisposableStack,
  ) {
    this.machines = parts.machines;
    this.database = parts.database;
    this.hosts = parts.hosts;
    this.callers = parts.callers;
    this.witness = parts.witness;
    this.token = parts.token;
    this.#stack = stack;
  }

  async call(host: ChaosHost, path: string): Promise<CallEnd> {
    return await this.#post(host, `${path}?forceenv=dev.lever`, "[]");
  }

  async admin<Method extends keyof AdminMethods>(
    host: ChaosHost,
    method: Method,
    ...args: Parameters<AdminMethods[Method]>
  ): Promise<AdminAnswer<ReturnType<AdminMethods[Method]>>> {
    const path = `/admin/${method}?forceenv=admin.lever`;
    return answerOf(await this.#post(host, path, JSON.stringify(args)));
  }

  async deploy(host: ChaosHost, service: Buffer): Promise<AdminAnswer<DeployReport>> {
    const first = Buffer.from(`${JSON.stringify(["dev.lever", { report: true }])}\n`);
    const path = "/admin/deployServiceChan?forceenv=admin.lever";
    return answerOf(await this.#post(host, path, Buffer.concat([first, service])));
  }

  /**
   * Resolves when all hosts have leases, and answer calls of both kinds. While changes are made, a host may be some behind.
   * @throws Error with what is missing, when that takes too long
   */
  async settle(behindMax: number = BEHIND_MAX): Promise<void> {
    let missing: string | undefined;
    const isSettled = async (): Promise<boolean> => {
      missing = await this.#unsettled(behindMax);
      return missing === undefined;
    };
    await eventually(isSettled, { everyMs: 50, timeoutMs: SETTLED_MS_MAX }).catch(() => {
      throw new Error(`After ${SETTLED_MS_MAX / 1_000} s of peace, ${missing}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  /** What is not as it must be in peace. */
  async #unsettled(behindMax: number): Promise<string | undefined> {
    for (const host of this.hosts) {
      const listed = await this.admin(host, "listHosts");
      if (!listed.isDone) return `${host.name} does not list hosts: ${listed.outcome}`;
      for (const { host: name, state, revisionsBehind } of listed.value.hosts) {
        if (state === "active" && revisionsBehind <= behindMax) continue;
        return `${host.name} sees ${name} as ${state}, ${revisionsBehind} changes behind`;
      }
      for (const path of ["/plain/answer", "/book/settled/add"]) {
        const outcome = outcomeOf(await this.call(host, path));
        if (outcome !== "ok") return `${host.name} does not answer ${path}: ${outcome}`;
      }
    }
    return undefined;
  }

  /** Deploys the services. */
  async #prepared(): Promise<this> {
    try {
      for (const [at, service] of [book, plain, configured, changing(0)].entries()) {
        const host = this.hosts[at % this.hosts.length];
        if (host === undefined) continue;
        const answer = await this.deploy(host, service);
        if (!answer.isDone) throw new Error(`Cannot deploy: ${answer.outcome}`);
      }
      await this.settle();
      return this;
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #post(host: ChaosHost, path: string, body: string | Buffer): Promise<CallEnd> {
    const type = typeof body === "string" ? "application/json" : "application/octet-stream";
    const headers = { "content-type": type, authorization: `Bearer ${this.token}` };
    return await this.callers.request({ address: host.address, path, headers, body });
  }
}

function answerOf<Value>(end: CallEnd): AdminAnswer<Value> {
  const outcome = outcomeOf(end);
  if (outcome !== "ok") return { isDone: false, outcome };
  return { isDone: true, value: JSON.parse(end.text) as Value };
}

/** None of them runs yet. The first one that is started founds the cluster. */
async function createHosts(
  machines: Machines,
  database: ChaosDatabase,
): Promise<AsyncDisposable & { readonly all: readonly ChaosHost[] }> {
  const folder = mkdtempSync(join(tmpdir(), "lever-chaos-"));
  // Users of services enter it.
  chmodSync(folder, 0o711);
  const keyFile = join(folder, "cluster.key");
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  writeFileSync(keyFile, (await runLever(["cluster", "key", "new"])).stdout, { mode: 0o600 });
  let isFounded = false;
  const all = HOSTS.map((name) => {
    const address = machines.addressOf(name);
    const launch = async () => {
      const founds = isFounded ? [] : ["--found"];
      isFounded = true;
      return await startLever({
        dataDir: join(folder, name),
        // The host ends with this process, whatever ends it.
        wrapper: [...machines.prefixOf(name), "setpriv", "--pdeathsig=KILL", "--"],
        logsOutput: false,
        args: [
          ...["--bind", address, "--port", String(PORT), "--allow-insecure-bind"],
          ...["--cluster", database.urls, "--cluster-key", keyFile, "--host-name", name],
          ...["--limit", `callTimeoutMs=${CALL_TIMEOUT_MS}`, ...founds],
        ],
      });
    };
    return new ChaosHost(name, { address: `${address}:${PORT}`, launch });
  });
  return {
    all,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((host) => host.stop()));
      process.off("exit", remove);
      remove();
    },
  };
}

/** Callers of the host's own machine may create it. */
async function firstToken(machines: Machines, { name, address }: ChaosHost): Promise<string> {
  const args = ["-H", address, "token", "create", "--in", "*", "--rights", "admin"];
  const run = await runLever(args, { prefix: machines.prefixOf(name) });
  if (run.status !== 0) throw new Error(`Cannot create the first token: ${run.stderr}`);
  return run.stdout.trim();
}
