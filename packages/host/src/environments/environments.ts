import { DEFAULT_ENVIRONMENT, LeverError } from "@leveros/protocol";
import type { Fleet } from "../fleet/fleet.ts";
import { KeyedQueue } from "../keyed-queue.ts";
import type { Log } from "../logs/log.ts";
import type { Router } from "../router/router.ts";
import type { State } from "../state/state.ts";
import { type AppliedChange, environmentChangesKey } from "../store/change.ts";
import type { HostNotes } from "../store/host-notes.ts";
import type { EnvironmentRecord, Store } from "../store/store.ts";
import { covers, formatRoute } from "./route-address.ts";

/** Lever's own environment. The admin service is its only service. */
export const ADMIN_ENVIRONMENT = "admin.lever";
const ENVIRONMENTS_MAX = 10_000;

/** The settings of a new environment. */
const DEFAULT_SETTINGS = { corsOrigins: ["*"], isPublic: false, network: "internet" } as const;

/** An environment that always exists at the start. */
export const defaultEnvironment: EnvironmentRecord = {
  environment: DEFAULT_ENVIRONMENT,
  ...DEFAULT_SETTINGS,
};

type Settings = Omit<EnvironmentRecord, "environment">;

export interface EnvironmentsOptions {
  readonly store: Pick<Store, "environments" | "routes">;
  readonly state: State;
  readonly notes: HostNotes;
  readonly router: Router;
  readonly fleet: Pick<
    Fleet,
    "removeEnvironment" | "restrictsNetworks" | "refuseNetwork" | "setNetwork"
  >;
  readonly log: Log;
  /** The environments are those of several hosts, which have the default one. */
  readonly isShared?: boolean;
  /** Removes the code of one version. */
  readonly removeCode: (codeId: string) => Promise<void>;
  /** Removes the data of an environment's services. */
  readonly removeServiceData: (environment: string) => Promise<void>;
}

/**
 * The environments, from their creation to their removal. Each change is in the store first. `apply` then carries it out in
 * the router and the fleet. Changes of one environment happen one after the other.
 */
export class Environments {
  readonly #options: EnvironmentsOptions;
  readonly #records = new Map<string, EnvironmentRecord>();
  readonly #changes = new KeyedQueue();
  /** The removals of files that go on, or have failed, by their environments. */
  readonly #removals = new Map<string, Promise<void>>();

  constructor(options: EnvironmentsOptions) {
    this.#options = options;
  }

  /** Reads the environments of the store. `dev.lever` and `admin.lever` always exist at the start. */
  async open(): Promise<void> {
    const { store, router, isShared = false } = this.#options;
    for (const record of await store.environments()) await this.#set(record);
    await this.#finishRemovals();
    if (!isShared && !this.#records.has(DEFAULT_ENVIRONMENT)) {
      await this.create(DEFAULT_ENVIRONMENT);
    }
    // Neither a page of any origin nor a service may control Lever itself.
    router.setEnvironment(ADMIN_ENVIRONMENT, {
      corsOrigins: new Set(),
      kind: "platform",
      isPublic: false,
    });
  }

  /** Carries a change out that the store has. */
  async apply({ change, removedCode }: AppliedChange): Promise<void> {
    switch (change.kind) {
      case "environmentCreated":
      case "environmentChanged":
        await this.#set(change.record);
        break;
      case "environmentRemoved": {
        const { environment } = change;
        this.#records.delete(environment);
        this.#options.router.removeEnvironment(environment);
        const removing = this.#removeFiles(environment, removedCode);
        this.#removals.set(environment, removing);
        removing.then(
          () => this.#removals.delete(environment),
          (error: unknown) => this.#logNotRemoved(environment, error),
        );
      }
    }
  }

  /** Stops the instances of an environment that is gone. Its data stays. */
  async forget(environment: string): Promise<void> {
    this.#records.delete(environment);
    this.#options.router.removeEnvironment(environment);
    await this.#options.fleet.removeEnvironment(environment);
  }

  list(): EnvironmentRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.environment < b.environment ? -1 : 1));
  }

  /**
   * An environment that takes services.
   * @throws LeverError `unknown_environment`; `forbidden` for Lever's own environment.
   */
  require(environment: string): EnvironmentRecord {
    const record = this.#records.get(environment);
    if (record !== undefined) return record;
    if (environment === ADMIN_ENVIRONMENT) {
      throw new LeverError("forbidden", `Cannot change ${environment}: it manages Lever itself.`);
    }
    return throwUnknown(environment);
  }

  /** @throws LeverError `conflict` when it exists already, or there are too many. */
  async create(environment: string): Promise<void> {
    const { store, notes, state } = this.#options;
    await this.#changes.run(environment, async () => {
      if ((await notes.unfinishedRemovals()).includes(environment)) {
        await this.#finishRemoval(environment);
      }
      await state.change(environmentChangesKey(environment), async () => {
        const known = await store.environments();
        const exists = known.some((record) => record.environment === environment);
        if (exists || environment === ADMIN_ENVIRONMENT) {
          throw new LeverError("conflict", `There is an environment ${environment} already.`);
        }
        const route = (await store.routes()).find(({ host }) => covers(host, environment));
        if (route !== undefined) {
          throw new LeverError(
            "conflict",
            `Cannot create ${environment}: the route ${formatRoute(route)} of ${route.environment} has this name. lever route rm removes it.`,
          );
        }
        if (known.length >= ENVIRONMENTS_MAX) {
          throw new LeverError(
            "conflict",
            `Cannot create ${environment}: there are ${ENVIRONMENTS_MAX} environments already.`,
          );
        }
        return { kind: "environmentCreated", record: { environment, ...DEFAULT_SETTINGS } };
      });
    });
  }

  /** Without this, an environment that is created again would get the data of the one that was removed. */
  async #finishRemovals(): Promise<void> {
    const { notes } = this.#options;
    for (const environment of await notes.unfinishedRemovals()) {
      try {
        await this.#finishRemoval(environment);
      } catch (error) {
        this.#logNotRemoved(environment, error);
      }
    }
  }

  #logNotRemoved(environment: string, error: unknown): void {
    const reason = String(error);
    this.#options.log("warn", "environments", "environment data not removed", {
      environment,
      reason,
    });
  }

  async #finishRemoval(environment: string): Promise<void> {
    await this.#options.removeServiceData(environment);
    await this.#options.notes.finishRemoval(environment);
  }

  /** @throws LeverError as `require`; `not_supported` for a network that instances cannot be restricted to. */
  async change(environment: string, changes: Partial<Settings>): Promise<void> {
    await this.#changes.run(environment, async () => {
      this.require(environment);
      if (changes.network !== undefined) await this.#checkNetwork(changes.network);
      await this.#options.state.change(environmentChangesKey(environment), async () => {
        const record = { ...(await this.#stored(environment)), ...changes };
        return { kind: "environmentChanged", record };
      });
    });
  }

  /**
   * Stops every instance of an environment, and removes its services with their code, data and variables. The calls that
   * the instances have are finished.
   * @throws LeverError as `require`; `conflict` when it has services, unless `isForced`.
   */
  async remove(environment: string, { isForced }: { isForced: boolean }): Promise<void> {
    await this.#changes.run(environment, async () => {
      const record = this.require(environment);
      const checkEmpty = (): void => {
        const services = this.servicesOf(environment);
        if (services === 0 || isForced) return;
        throw new LeverError(
          "conflict",
          `Cannot remove ${environment}: it has ${services} services, which would be deleted with all their data. To delete them too, set force.`,
        );
      };
      checkEmpty();
      // From here on it takes no deploys, which could only fail.
      this.#records.delete(environment);
      try {
        // T1, T2: from here on a restart does not bring it back.
        await this.#options.state.change(environmentChangesKey(environment), async () => {
          await this.#stored(environment);
          checkEmpty();
          return { kind: "environmentRemoved", environment, isForced };
        });
      } catch (error) {
        this.#records.set(environment, record);
        throw error;
      }
      await this.#removals.get(environment);
      this.#options.log("info", "environments", "environment removed", { environment });
    });
  }

  async #removeFiles(environment: string, removedCode: readonly string[]): Promise<void> {
    const { fleet, removeCode } = this.#options;
    await fleet.removeEnvironment(environment);
    for (const codeId of removedCode) await removeCode(codeId);
    await this.#finishRemoval(environment);
  }

  /** @throws LeverError `unknown_environment` */
  async #stored(environment: string): Promise<EnvironmentRecord> {
    const records = await this.#options.store.environments();
    const record = records.find((of) => of.environment === environment);
    return record ?? throwUnknown(environment);
  }

  /** How many services an environment has. */
  servicesOf(environment: string): number {
    return this.#options.router.environment(environment)?.services.size ?? 0;
  }

  /** Fails closed: a restriction that nothing enforces is not accepted. */
  async #checkNetwork(network: Settings["network"]): Promise<void> {
    if (network === "internet") return;
    const { fleet } = this.#options;
    const refused = await fleet.refuseNetwork(network);
    if (refused !== undefined) {
      throw new LeverError("malformed_request", `Cannot set the network: ${refused}.`);
    }
    if (fleet.restrictsNetworks) return;
    throw new LeverError(
      "not_supported",
      "Cannot set the network: instances that are plain processes reach all that the host reaches. Only containers can be restricted: lever doctor shows what they need.",
    );
  }

  async #set(record: EnvironmentRecord): Promise<void> {
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

function throwUnknown(environment: string): never {
  throw new LeverError("unknown_environment", `There is no environment ${environment}.`);
}
