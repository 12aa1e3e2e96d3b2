import type { Deployer } from "../deployer/deployer.ts";
import type { Log } from "../logs/log.ts";
import type { Change } from "../store/change.ts";

/** Replaces the instances on this host that a change of another host needs replaced. The author of a change does it itself. */
export async function restartInstances(
  change: Change,
  {
    deployer,
    isOwn,
    log,
  }: {
    readonly deployer: Pick<Deployer, "restartInstances">;
    readonly isOwn: () => Promise<boolean>;
    readonly log: Log;
  },
): Promise<void> {
  const restart = restartOf(change);
  if (restart === undefined || (await isOwn())) return;
  const { environment, services } = restart;
  for (const service of services) {
    const { failed } = await deployer.restartInstances(environment, service);
    for (const { service: of, reason } of failed) {
      log("warn", "cluster", "instances not restarted", { environment, service: of, reason });
    }
  }
}

/** The services whose instances must be replaced after a change; `""` = all of the environment. */
function restartOf(
  change: Change,
): { readonly environment: string; readonly services: ReadonlySet<string> } | undefined {
  switch (change.kind) {
    case "variablesSet": {
      const { environment, records } = change;
      return { environment, services: new Set(records.map(({ service }) => service)) };
    }
    case "serviceRestarted":
    case "variableRemoved":
      return { environment: change.environment, services: new Set([change.service]) };
    default:
      return undefined;
  }
}
