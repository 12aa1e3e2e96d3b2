import type { Fleet } from "../fleet/fleet.ts";
import type { Router } from "../router/router.ts";
import type { EnvironmentRecord, Store } from "../store/store.ts";

/** Lever's own environment: of its services there is only the admin service. */
export const ADMIN_ENVIRONMENT = "admin.lever";
const DEFAULT_ENVIRONMENT = "dev.lever";

/** What an environment is until somebody says otherwise. */
const DEFAULT_SETTINGS = { corsOrigins: ["*"], isPublic: false, network: "internet" } as const;

interface EnvironmentsOptions {
  readonly store: Store;
  readonly router: Router;
  readonly fleet: Fleet;
}

/** The environments as they are set: in the store first, then where calls and instances are held to it. */
export class Environments {
  readonly #options: EnvironmentsOptions;
  readonly #records = new Map<string, EnvironmentRecord>();

  private constructor(options: EnvironmentsOptions) {
    this.#options = options;
  }

  /** Those that were left; `dev.lever` and `admin.lever` exist from the start. */
  static async open(options: EnvironmentsOptions): Promise<Environments> {
    const environments = new Environments(options);
    for (const record of await options.store.environments()) await environments.#apply(record);
    if (!environments.#records.has(DEFAULT_ENVIRONMENT)) {
      await environments.create(DEFAULT_ENVIRONMENT);
    }
    // No page of any origin, and no service that Lever runs, may drive Lever itself.
    options.router.setEnvironment(ADMIN_ENVIRONMENT, {
      corsOrigins: new Set(),
      kind: "platform",
      isPublic: false,
    });
    return environments;
  }

  list(): EnvironmentRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.environment < b.environment ? -1 : 1));
  }

  async create(environment: string): Promise<void> {
    await this.change(environment, {});
  }

  async change(
    environment: string,
    changes: Partial<Omit<EnvironmentRecord, "environment">>,
  ): Promise<void> {
    const record = {
      environment,
      ...DEFAULT_SETTINGS,
      ...this.#records.get(environment),
      ...changes,
    };
    await this.#options.store.putEnvironment(record);
    await this.#apply(record);
  }

  /** Its services are gone, and it is no longer in the store. */
  forget(environment: string): void {
    this.#records.delete(environment);
  }

  async #apply(record: EnvironmentRecord): Promise<void> {
    const { environment, corsOrigins, isPublic, network } = record;
    this.#records.set(environment, record);
    this.#options.router.setEnvironment(environment, {
      corsOrigins: new Set(corsOrigins),
      kind: "services",
      isPublic,
    });
    await this.#options.fleet.setNetwork(environment, network);
  }
}
