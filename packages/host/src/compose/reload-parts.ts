import type { Applier } from "../state/applier.ts";
import { type Change, variablesKey } from "../store/change.ts";
import type { VersionRecord } from "../store/records.ts";
import type { HostParts } from "./host-parts.ts";

/**
 * Brings the parts of the host to what its store has, after everything in it was replaced. `revision`: the last one that the
 * parts have. The data of services that are gone stays: whether they were removed with it is not known.
 */
export async function reloadParts(
  { store, environments, routes, router, fleet, tokens, deployer }: HostParts,
  applier: Applier,
  revision: number,
): Promise<void> {
  const apply = (change: Change): Promise<void> =>
    applier.apply({ revision, change, removedCode: [] });

  const records = await store.environments();
  const names = new Set(records.map(({ environment }) => environment));
  for (const { environment } of environments.list()) {
    if (!names.has(environment)) await environments.forget(environment);
  }
  for (const record of records) await apply({ kind: "environmentChanged", record });
  await routes.open();

  const found = await store.tokens();
  const ids = new Set(found.map(({ id }) => id));
  for (const { id } of [...tokens.index.records]) {
    if (!ids.has(id)) await apply({ kind: "tokenRemoved", id });
  }
  for (const record of found) {
    if (tokens.index.find(record.id) === undefined) await apply({ kind: "tokenCreated", record });
  }

  const live = new Set<string>();
  const changed: VersionRecord[] = [];
  for await (const record of store.liveVersions()) {
    const { environment, service, codeId } = record;
    live.add(`${environment}/${service}`);
    if (fleet.service(environment, service)?.live.codeId !== codeId) {
      changed.push(record);
    }
  }
  for (const record of changed) await apply({ kind: "versionMadeLive", record });
  for (const environment of names) {
    for (const service of [...(router.environment(environment)?.services.keys() ?? [])]) {
      if (live.has(`${environment}/${service}`)) continue;
      await apply({ kind: "serviceRemoved", environment, service, keepsData: true });
    }
  }

  for (const environment of names) {
    if ((await store.revisionOf(variablesKey(environment))) <= revision) continue;
    void deployer.restartInstances(environment, "");
  }
}
