import { LeverError, type RemovalReport, serviceKey } from "@leveros/protocol";
import type { Environments } from "../environments/environments.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { KeyedQueue } from "../keyed-queue.ts";
import type { Log } from "../logs/log.ts";
import type { Router } from "../router/router.ts";
import type { State } from "../state/state.ts";
import { type AppliedChange, serviceChangesKey } from "../store/change.ts";
import type { HostNotes } from "../store/host-notes.ts";
import type { Store, VersionRecord } from "../store/store.ts";
import type { CodeStore } from "./code-store.ts";
import { unknownService } from "./kept-version.ts";

export interface ServiceRemovalsOptions {
  readonly store: Pick<Store, "versions">;
  readonly state: State;
  readonly notes: HostNotes;
  readonly code: Pick<CodeStore, "remove">;
  readonly environments: Pick<Environments, "require">;
  readonly router: Router;
  readonly fleet: Fleet;
  /** Changes of services, by `serviceKey`. */
  readonly turns: KeyedQueue;
  /** Removes the data of a service. */
  readonly removeServiceData: (environment: string, service: string) => Promise<void>;
  readonly log: Log;
}

interface ServicePlace {
  readonly environment: string;
  readonly service: string;
}

/**
 * Removes services and versions.
 *
 * - Z1. The store's one transaction decides. A removal that was cut off after it is finished at the next start, or before the
 *   next deploy of the service: no service gets the data of one that was removed.
 * - Z2. The instances finish their calls as in any stop. Their code and data are removed when all of them have exited.
 */
export class ServiceRemovals {
  readonly #options: ServiceRemovalsOptions;
  /** The removals of files that go on, or have failed, by `serviceKey`. */
  readonly #removing = new Map<string, Promise<void>>();

  constructor(options: ServiceRemovalsOptions) {
    this.#options = options;
  }

  /**
   * Removes a service with all its versions and, unless `keepsData`, its variables and data.
   * @throws LeverError `unknown_service`; as `Environments.require`
   */
  async remove(
    environment: string,
    service: string,
    { keepsData }: { keepsData: boolean },
  ): Promise<RemovalReport> {
    const { environments, state, log } = this.#options;
    environments.require(environment);
    return await this.#inTurn(environment, service, async () => {
      let removed: readonly number[] = [];
      // Z1.
      await state.change(serviceChangesKey(environment, service), async () => {
        const versions = await this.#versionsOf(environment, service);
        removed = versions.map(({ version }) => version);
        return { kind: "serviceRemoved", environment, service, keepsData };
      });
      await this.#removing.get(serviceKey(environment, service));
      const report = { environment, service, versions: removed, keptData: keepsData };
      log("info", "deployer", "service removed", report);
      return report;
    });
  }

  /** Removes a version that is not live. @throws LeverError */
  async removeVersion(
    environment: string,
    service: string,
    version: number,
  ): Promise<RemovalReport> {
    const { environments, state, log } = this.#options;
    environments.require(environment);
    return await this.#inTurn(environment, service, async () => {
      // Z1.
      await state.change(serviceChangesKey(environment, service), async () => {
        const kept = await this.#versionsOf(environment, service);
        this.#checkUnused({ environment, service, version }, kept);
        return { kind: "versionRemoved", environment, service, version };
      });
      const report = { environment, service, versions: [version], keptData: true };
      log("info", "deployer", "version removed", { environment, service, version });
      return report;
    });
  }

  /** Carries a change out that the store has. */
  async apply({ change, removedCode }: AppliedChange): Promise<void> {
    if (change.kind === "versionRemoved") await this.#removeCode(removedCode);
    if (change.kind !== "serviceRemoved") return;
    const { environment, service } = change;
    this.#options.router.removeService(environment, service);
    const key = serviceKey(environment, service);
    const removing = this.#removeFiles(change, removedCode);
    this.#removing.set(key, removing);
    removing.then(
      () => this.#removing.delete(key),
      (error: unknown) => this.#logNotRemoved(change, error),
    );
  }

  /** Z2. */
  async #removeFiles(
    { environment, service, keepsData }: ServicePlace & { readonly keepsData: boolean },
    removedCode: readonly string[],
  ): Promise<void> {
    await this.#options.fleet.removeService(environment, service);
    await this.#removeCode(removedCode);
    if (!keepsData) await this.#finish(environment, service);
  }

  async #removeCode(codeIds: readonly string[]): Promise<void> {
    for (const codeId of codeIds) await this.#options.code.remove(codeId);
  }

  /** @throws LeverError when the version is not kept, is live, or has instances. */
  #checkUnused(
    { environment, service, version }: ServicePlace & { readonly version: number },
    kept: readonly VersionRecord[],
  ): void {
    const record = kept.find((of) => of.version === version);
    const what = `Cannot remove version ${version} of ${service}`;
    if (record === undefined) {
      const numbers = kept.map((of) => of.version).join(", ");
      throw new LeverError("not_found", `${what}: it is not kept; kept are ${numbers}.`);
    }
    const running = this.#options.fleet.service(environment, service);
    if (running?.live.version === version) {
      throw new LeverError(
        "conflict",
        `${what}: it is live. Make another version live first (lever rollback), or remove the service.`,
      );
    }
    const busy = running?.instances.find((instance) => instance.spec.version === version);
    if (busy !== undefined) {
      throw new LeverError(
        "conflict",
        `${what}: its instance ${busy.spec.instance} still finishes its calls. Try again later, or stop it: lever stop-instance ${busy.spec.instance}`,
      );
    }
  }

  /** Z1. Must be called before a service can be deployed with this name, in the turn of the deploy. */
  async finish(environment: string, service: string): Promise<void> {
    const unfinished = await this.#options.notes.unfinishedServiceRemovals();
    const isUnfinished = unfinished.some(
      (of) => of.environment === environment && of.service === service,
    );
    if (isUnfinished) await this.#finish(environment, service);
  }

  /** Z1. A service whose data cannot be removed is logged. */
  async finishAll(): Promise<void> {
    const { notes } = this.#options;
    for (const { environment, service } of await notes.unfinishedServiceRemovals()) {
      try {
        await this.#finish(environment, service);
      } catch (error) {
        this.#logNotRemoved({ environment, service }, error);
      }
    }
  }

  #logNotRemoved({ environment, service }: ServicePlace, error: unknown): void {
    const reason = String(error);
    this.#options.log("warn", "deployer", "service data not removed", {
      environment,
      service,
      reason,
    });
  }

  async #finish(environment: string, service: string): Promise<void> {
    await this.#options.removeServiceData(environment, service);
    await this.#options.notes.finishServiceRemoval(environment, service);
  }

  async #inTurn<Result>(
    environment: string,
    service: string,
    work: () => Promise<Result>,
  ): Promise<Result> {
    return await this.#options.turns.run(serviceKey(environment, service), work);
  }

  /** The kept versions, newest first. @throws LeverError `unknown_service` */
  async #versionsOf(environment: string, service: string): Promise<readonly VersionRecord[]> {
    const all = await this.#options.store.versions(environment);
    const versions = all.filter((record) => record.service === service);
    if (versions.length > 0) return versions;
    throw unknownService(environment, service);
  }
}
