import { randomUUID } from "node:crypto";
import { serviceKey } from "@leveros/protocol";
import type { Change } from "./change.ts";
import type { SqliteCommitResult } from "./sqlite-changes.ts";
import type { SqliteStore } from "./sqlite-store.ts";
import type { VersionRecord } from "./store.ts";

/** The versions of one service, newest first. */
interface KeptService {
  versions: readonly VersionRecord[];
  live: number;
  last: number;
}

/**
 * The same store, with versions in memory only: those of a folder that is being developed are deployed again at each start.
 * Everything else is as durable as before. Changes of versions get no revision: only this host makes them.
 */
export function withVolatileVersions(store: SqliteStore): SqliteStore {
  const services = new Map<string, KeptService>();
  const all = (): VersionRecord[] => [...services.values()].flatMap(({ versions }) => versions);
  const find = ({ environment, service }: Pick<VersionRecord, "environment" | "service">) =>
    services.get(serviceKey(environment, service));

  /** Returns the versions that are no longer kept; undefined = the change is of no version in memory. */
  const changeVersions = async (change: Change): Promise<readonly VersionRecord[] | undefined> => {
    switch (change.kind) {
      case "versionReserved": {
        const { versions = [], live = 0 } = find(change) ?? {};
        const key = serviceKey(change.environment, change.service);
        services.set(key, { versions, live, last: change.version });
        return [];
      }
      case "versionPublished": {
        const { record, versionsKeptMax } = change;
        const kept = find(record);
        if (kept === undefined) return undefined;
        const versions = [record, ...kept.versions];
        kept.versions = versions.slice(0, versionsKeptMax);
        kept.live = record.version;
        return versions.slice(versionsKeptMax);
      }
      case "versionMadeLive": {
        const kept = find(change.record);
        if (!kept?.versions.some(({ version }) => version === change.record.version))
          return undefined;
        kept.live = change.record.version;
        return [];
      }
      case "versionRemoved": {
        const kept = find(change);
        const removed = kept?.versions.filter(({ version }) => version === change.version) ?? [];
        if (kept === undefined || removed.length === 0) return undefined;
        kept.versions = kept.versions.filter(({ version }) => version !== change.version);
        return removed;
      }
      case "serviceRemoved": {
        const kept = find(change);
        if (kept === undefined) return undefined;
        // It has no versions there, so its rule would refuse it.
        const { revision } = await store.head();
        await store.follow({ revision: revision + 1, nonce: randomUUID(), change });
        const { versions } = kept;
        kept.versions = [];
        kept.live = 0;
        return versions;
      }
      default:
        return undefined;
    }
  };

  const removeEnvironment = (environment: string): VersionRecord[] => {
    const removed = all().filter((record) => record.environment === environment);
    for (const { service } of removed) services.delete(serviceKey(environment, service));
    return removed;
  };
  const codeIdsOf = (records: readonly VersionRecord[]): string[] =>
    records.map(({ codeId }) => codeId);

  return {
    ...store,
    async commit(change, expected): Promise<SqliteCommitResult> {
      const dropped = await changeVersions(change);
      if (dropped !== undefined) {
        const { revision } = await store.head();
        return { outcome: "written", revision, change, removedCode: codeIdsOf(dropped) };
      }
      const result = await store.commit(change, expected);
      if (result.outcome !== "written" || change.kind !== "environmentRemoved") return result;
      return { ...result, removedCode: codeIdsOf(removeEnvironment(change.environment)) };
    },
    async *liveVersions() {
      for (const { versions, live } of services.values()) {
        yield* versions.filter(({ version }) => version === live);
      }
    },
    versions: async (environment) => all().filter((record) => record.environment === environment),
    async numbersOf(environment, service) {
      const { live = 0, last = 0 } = find({ environment, service }) ?? {};
      return { live, last };
    },
    codeIds: async () => new Set(codeIdsOf(all())),
  };
}
