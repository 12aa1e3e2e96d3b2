import { LeverError, serviceKey } from "@leveros/protocol";
import type { Store, VersionRecord } from "./store.ts";

/** The kept versions of one service, newest first. */
interface KeptService {
  versions: readonly VersionRecord[];
  live: number;
  newest: number;
}

/**
 * The same store, with versions in memory only: those of a folder that is being developed are deployed again at each start.
 * Everything else is as durable as before.
 */
export function withVolatileVersions<Durable extends Store>(store: Durable): Durable {
  const services = new Map<string, KeptService>();
  const find = (environment: string, service: string, version: number): KeptService => {
    const kept = services.get(serviceKey(environment, service));
    if (kept?.versions.some((record) => record.version === version)) return kept;
    throw new LeverError("not_found", `There is no version ${version} of ${service}.`);
  };
  const all = (): VersionRecord[] => [...services.values()].flatMap(({ versions }) => versions);
  return {
    ...store,
    async removeEnvironment(environment) {
      await store.removeEnvironment(environment);
      for (const { service } of all().filter((record) => record.environment === environment)) {
        services.delete(serviceKey(environment, service));
      }
    },
    async removeService(environment, service, options) {
      await store.removeService(environment, service, options);
      services.delete(serviceKey(environment, service));
    },
    async *liveVersions() {
      for (const { versions, live } of services.values()) {
        yield* versions.filter(({ version }) => version === live);
      }
    },
    versions: async (environment) => all().filter((record) => record.environment === environment),
    nextVersion: async (environment, service) =>
      (services.get(serviceKey(environment, service))?.newest ?? 0) + 1,
    async publishVersion(record, { versionsKeptMax }) {
      const { environment, service, version } = record;
      const key = serviceKey(environment, service);
      const versions = [record, ...(services.get(key)?.versions ?? [])];
      services.set(key, {
        versions: versions.slice(0, versionsKeptMax),
        live: version,
        newest: version,
      });
      return versions.slice(versionsKeptMax);
    },
    async makeLive(environment, service, version) {
      find(environment, service, version).live = version;
    },
    async removeVersion(environment, service, version) {
      const kept = find(environment, service, version);
      kept.versions = kept.versions.filter((record) => record.version !== version);
    },
    codeIds: async () => new Set(all().map(({ codeId }) => codeId)),
  };
}
