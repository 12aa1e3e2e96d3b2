import { LeverError } from "@leveros/protocol";
import type { Environments } from "../environments/environments.ts";
import type { State } from "../state/state.ts";
import { serviceChangesKey } from "../store/change.ts";
import type { Store, VersionRecord } from "../store/store.ts";
import { findVersion } from "./kept-version.ts";

export interface VersionChangesOptions {
  readonly state: State;
  readonly store: Pick<Store, "versions" | "numbersOf">;
  readonly environments: Pick<Environments, "require">;
}

/** Decides on the versions of services by the state that hosts share. Another host may change the same service meanwhile. */
export class VersionChanges {
  readonly #options: VersionChangesOptions;

  constructor(options: VersionChangesOptions) {
    this.#options = options;
  }

  /** The kept versions of a service, newest first. */
  async kept(environment: string, service: string): Promise<readonly VersionRecord[]> {
    const all = await this.#options.store.versions(environment);
    return all.filter((record) => record.service === service);
  }

  /** The number of the service's next version, which no other deploy gets. A deploy that fails leaves a gap. */
  async reserve(environment: string, service: string): Promise<number> {
    const { environments, state, store } = this.#options;
    const { version } = await state.change(serviceChangesKey(environment, service), async () => {
      environments.require(environment);
      const { last } = await store.numbersOf(environment, service);
      return { kind: "versionReserved", environment, service, version: last + 1 };
    });
    return version;
  }

  /** @throws LeverError `conflict` when a higher version went live meanwhile. */
  async publish(record: VersionRecord, versionsKeptMax: number): Promise<void> {
    const { environments, state, store } = this.#options;
    const { environment, service, version } = record;
    await state.change(serviceChangesKey(environment, service), async () => {
      // It may have been removed meanwhile. Then nothing of it may get into the store.
      environments.require(environment);
      const { live } = await store.numbersOf(environment, service);
      if (live >= version) throw overtaken(record, live);
      return { kind: "versionPublished", record, versionsKeptMax };
    });
  }

  /** Lets every host replace the instances of a service. */
  async restart(environment: string, service: string): Promise<void> {
    const key = serviceChangesKey(environment, service);
    await this.#options.state.change(key, () => ({
      kind: "serviceRestarted",
      environment,
      service,
    }));
  }

  /** Makes a kept version live. @throws LeverError `not_found` when it is not kept any more. */
  async makeLive(record: VersionRecord, live: number): Promise<void> {
    const { environment, service, version } = record;
    await this.#options.state.change(serviceChangesKey(environment, service), async () => {
      findVersion(await this.kept(environment, service), { service, live, wanted: version });
      return { kind: "versionMadeLive", record };
    });
  }
}

function overtaken({ service, version }: VersionRecord, live: number): LeverError {
  return new LeverError(
    "conflict",
    `Cannot make version ${version} of ${service} live: version ${live} went live meanwhile. Deploy again if this version must be live.`,
  );
}
