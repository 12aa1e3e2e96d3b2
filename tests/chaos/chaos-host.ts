import { childrenOf, commandOf, sendSignal } from "../harness/child-processes.ts";
import type { RunningLever } from "../harness/lever.ts";

/** A time in which callers of a host may see that it does not answer. Milliseconds since 1970. */
interface Disturbance {
  readonly from: number;
  to: number;
}

/** One of the hosts, on a machine of its own. It is started again with its data. */
export class ChaosHost {
  readonly name: string;
  readonly address: string;
  readonly #launch: () => Promise<RunningLever>;
  readonly #disturbances: Disturbance[] = [];
  #running: RunningLever | undefined;
  /** Logs of its lives. */
  #earlier = "";

  constructor(
    name: string,
    options: { readonly address: string; launch(): Promise<RunningLever> },
  ) {
    this.name = name;
    this.address = options.address;
    this.#launch = () => options.launch();
  }

  get pid(): number {
    return this.#lever.pid;
  }

  /** undefined = it has none now. */
  get keeperPid(): number | undefined {
    return childrenOf(this.pid).find((pid) => commandOf(pid).includes("/keeper/keeper-main."));
  }

  get log(): string {
    return this.#earlier + (this.#running?.output() ?? "");
  }

  async start(): Promise<void> {
    this.#running = await this.#launch();
  }

  /** Ends it as a power cut of the process alone would. */
  async kill(): Promise<void> {
    await this.#lever.kill();
    this.#earlier += this.#lever.output();
  }

  signal(signal: NodeJS.Signals): void {
    sendSignal(this.pid, signal);
  }

  /** Runs work during which callers of this host may get no answer. */
  async disturb(work: () => Promise<void>): Promise<void> {
    const disturbance = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.#disturbances.push(disturbance);
    await work();
    disturbance.to = Date.now();
  }

  /** Whether a fault of this host, and a while after it, explains that a call of this time was not answered. */
  wasDisturbed({ from, to }: { readonly from: number; readonly to: number }): boolean {
    return this.#disturbances.some((of) => from <= of.to + AFTER_MS && to >= of.from);
  }

  /** Also when a fault has stopped it. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return;
    this.signal("SIGCONT");
    await this.#running.stop();
  }

  get #lever(): RunningLever {
    if (this.#running === undefined) throw new Error(`The host ${this.name} was never started.`);
    return this.#running;
  }
}

/** Packets that were lost are sent again. */
const AFTER_MS = 2_000;
