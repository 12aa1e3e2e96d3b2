import { TestPostgres } from "../harness/postgres.ts";
import type { Machines } from "./machines.ts";

const STANDBY = "standby";

/** A primary and its synchronous standby, each on a machine of its own, and what their fail-over manager does. */
export class ChaosDatabase implements AsyncDisposable {
  readonly machines: readonly [string, string];
  readonly #name: string;
  #primary: TestPostgres;
  #standby: TestPostgres;

  static async start(machines: Machines, names: readonly [string, string]): Promise<ChaosDatabase> {
    const [first, second] = names.map((name) => ({
      address: machines.addressOf(name),
      prefix: machines.prefixOf(name),
    })) as [Place, Place];
    const primary = await TestPostgres.start({ place: first });
    const standby = await TestPostgres.start({ place: second, standbyOf: primary });
    const name = await primary.createDatabase();
    await primary.waitForStandby(STANDBY);
    return new ChaosDatabase(names, name, [primary, standby]);
  }

  private constructor(
    machines: readonly [string, string],
    name: string,
    servers: readonly [TestPostgres, TestPostgres],
  ) {
    this.machines = machines;
    this.#name = name;
    [this.#primary, this.#standby] = servers;
  }

  /** As `--cluster` takes them. */
  get urls(): string {
    return [this.#primary, this.#standby].map((server) => server.url(this.#name)).join(",");
  }

  get primary(): TestPostgres {
    return this.#primary;
  }

  get standby(): TestPostgres {
    return this.#standby;
  }

  /** The primary dies, and the standby becomes the primary. */
  async failOver(): Promise<void> {
    await this.#primary.stop();
    await this.#standby.promote();
    [this.#primary, this.#standby] = [this.#standby, this.#primary];
  }

  /** The former primary becomes the standby. */
  async rebuild(): Promise<void> {
    await this.#standby.startAgainAsStandbyOf(this.#primary);
    await this.waitForStandby();
  }

  async waitForStandby(): Promise<void> {
    await this.#primary.waitForStandby(STANDBY);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#standby[Symbol.asyncDispose]();
    await this.#primary[Symbol.asyncDispose]();
  }
}

interface Place {
  readonly address: string;
  readonly prefix: readonly string[];
}
