import {
  type DeployProgress,
  type ErrorCode,
  type InstanceListing,
  LeverError,
  type ServiceListing,
  type TrafficStats,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { NamedDeploy } from "../deployer/deploy-source.ts";
import type { Deployer } from "../deployer/deployer.ts";
import type { KeptVersions } from "../deployer/kept-files.ts";
import type { ServiceRemovals } from "../deployer/service-removals.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Instance } from "../fleet/instance.ts";
import type { HostMeters } from "../metrics/host-meters.ts";
import type { ServiceMeter } from "../metrics/service-meter.ts";
import { sumTraffic } from "../metrics/traffic.ts";
import type { Router } from "../router/router.ts";
import type { ServiceRoute } from "../router/service-route.ts";
import type { Store } from "../store/store.ts";
import { environment, flag, instance, optionalVersion, service, version } from "./arguments.ts";
import { deployOptions, digests } from "./deploy-arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import type { ChangeNote, GuardOptions } from "./guard.ts";
import { mergeServices } from "./merge-reports.ts";
import { adminMethod, adminStream, type Methods } from "./method-table.ts";
import { siteListings } from "./site-listing.ts";
import { trafficStats } from "./stats-methods.ts";

export interface ServiceParts {
  readonly meters: HostMeters;
  readonly clock: Clock;
  readonly router: Router;
  readonly fleet: Fleet;
  readonly deployer: Deployer;
  readonly removals: ServiceRemovals;
  readonly keptVersions: KeptVersions;
  readonly store: Store;
  /** The audit records this about the call that runs. */
  readonly noteChange: (change: ChangeNote) => void;
  readonly propagated: GuardOptions["propagated"];
}

/** Methods that deploy, restart, remove and list services. */
export const serviceMethods: Methods<
  ServiceParts,
  | "deployServiceChan"
  | "findKeptFiles"
  | "rollBackService"
  | "removeService"
  | "removeVersion"
  | "restartService"
  | "stopInstance"
  | "listServices"
> = {
  deployServiceChan: adminStream(
    {
      right: "deploy",
      isChange: true,
      alias: "DeployServiceChan",
      arguments: [environment, deployOptions],
      does: "Receives a `.tar.gz` or `.tar.zst` as byte messages and deploys it; with `report`, sends one message about it; with `progress`, says what it waits for.",
    },
    async ({ deployer, meters, noteChange, propagated }, stream, name, wanted) => {
      const onProgress = (progress: DeployProgress): void => {
        if (wanted.progress) stream.write(progress);
      };
      const named: NamedDeploy = {};
      const deployed = deployer
        .deploy(name, stream, { onProgress, named, kept: wanted.kept })
        .finally(() => noteChange(changeOf(named)));
      const report = await deployed.catch((error: unknown) => {
        meters.deployFailed(name);
        throwDeployFailure(error);
      });
      const { uploadMs, waitMs, unpackMs, transformMs, startMs } = report.times;
      meters.deployed(name, {
        upload: uploadMs,
        wait: waitMs,
        unpack: unpackMs,
        transform: transformMs,
        start: startMs,
      });
      const hostsBehind = await propagated();
      if (wanted.report)
        stream.write(hostsBehind.length === 0 ? report : { ...report, hostsBehind });
    },
  ),

  findKeptFiles: adminMethod(
    {
      right: "deploy",
      isChange: false,
      arguments: [environment, service, version, digests],
      does: "Finds the files that a kept version has and a new one need not send, by digests of their contents.",
    },
    async ({ keptVersions, router }, name, of, number, wanted) => {
      findEnvironment(router, name);
      return await keptVersions.find(name, { service: of, version: number }, wanted);
    },
  ),

  rollBackService: adminMethod(
    {
      right: "deploy",
      isChange: true,
      arguments: [environment, service, optionalVersion],
      does: "Makes an older version live: the given one, or the newest that is older than the live one.",
    },
    async ({ deployer, router, noteChange }, name, of, version) => {
      findEnvironment(router, name);
      const report = await deployer.rollBack(name, of, version).catch(throwDeployFailure);
      noteChange({ version: report.version });
      return report;
    },
  ),

  removeService: adminMethod(
    {
      right: "deploy",
      isChange: true,
      arguments: [environment, service, flag("keepData")],
      does: "Removes a service with its versions; without `keepData`, also its data, variables, secrets and logs.",
    },
    ({ removals }, name, of, keepsData) => removals.remove(name, of, { keepsData }),
  ),

  removeVersion: adminMethod(
    {
      right: "deploy",
      isChange: true,
      arguments: [environment, service, version],
      does: "Removes a version that is not live.",
    },
    ({ removals, noteChange }, name, of, number) => {
      noteChange({ version: number });
      return removals.removeVersion(name, of, number);
    },
  ),

  restartService: adminMethod(
    {
      right: "deploy",
      isChange: true,
      arguments: [environment, service],
      does: "Replaces the instances of a service, as a deploy of the same version does.",
    },
    async ({ deployer, router, noteChange }, name, of) => {
      findEnvironment(router, name);
      const report = await deployer.restartService(name, of).catch(throwDeployFailure);
      noteChange({ version: report.version });
      return report;
    },
  ),

  stopInstance: adminMethod(
    {
      right: "deploy",
      isChange: true,
      arguments: [environment, instance],
      does: "Stops an instance after its calls, and answers when it has exited.",
    },
    async ({ fleet, router }, name, id) => {
      findEnvironment(router, name);
      const found = fleet
        .servicesOf(name)
        .flatMap(({ instances }) => instances)
        .find(({ spec }) => spec.instance === id);
      if (found === undefined) throw unknownInstance(name, id);
      found.stop("it was stopped by hand");
      await found.exited;
      return { service: found.spec.service, version: found.spec.version, instance: id };
    },
  ),

  listServices: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment],
      does: "Lists the services of an environment with their versions, methods and instances.",
      merge: mergeServices,
    },
    async ({ router, fleet, store, meters, clock }, name) => {
      const windowMs = meters.windowMs(clock.now());
      const routes = findEnvironment(router, name);
      if (routes.access.kind === "platform") return platformServices(name, routes.services);
      const versions = Map.groupBy(await store.versions(name), (record) => record.service);
      const siteOf = siteListings(router.sites, name);
      return [...versions].flatMap(([of, records]) => {
        const liveVersion = routes.services.get(of)?.live.version;
        const live = records.find(({ version }) => version === liveVersion);
        if (live === undefined) return [];
        const running = fleet.service(name, of);
        return {
          environment: name,
          service: of,
          description: live.leverJson.description,
          private: live.leverJson.private,
          liveVersion: live.version,
          methods: live.methods,
          versions: records.map(({ version, deployedAt, archiveBytes, unpackedBytes }) => ({
            version,
            deployedAt,
            archiveBytes,
            unpackedBytes,
          })),
          instances: listInstances(running?.instances ?? []),
          traffic: recentTraffic(meters.services.find(name, of), windowMs),
          failing: running?.failing,
          site: siteOf(live),
        };
      });
    },
  ),
};

function changeOf({ service: target, version }: NamedDeploy): ChangeNote {
  return {
    ...(target !== undefined && { target }),
    ...(version !== undefined && { version }),
  };
}

/** Services that are a part of Lever itself. */
function platformServices(
  environment: string,
  routes: ReadonlyMap<string, ServiceRoute>,
): readonly ServiceListing[] {
  return [...routes.values()].map(({ service, live }) => ({
    environment,
    service,
    description: "Manages Lever itself. Each method needs a right.",
    private: live.isPrivate,
    platform: true,
    liveVersion: live.version,
    methods: live.methods ?? [],
    versions: [],
    instances: [],
  }));
}

function unknownInstance(environment: string, instance: string): LeverError {
  return new LeverError(
    "not_found",
    `Cannot stop the instance ${JSON.stringify(instance)}: no such instance runs in ${environment}. lever ps lists them.`,
  );
}

const contentCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_archive",
  "invalid_service",
  "not_supported",
  "start_failed",
  "too_large",
]);

/** A deploy that fails because of its content is a method that failed, with the reason as its value. */
function throwDeployFailure(error: unknown): never {
  if (!(error instanceof LeverError) || !contentCodes.has(error.code)) throw error;
  const { message } = error;
  throw new LeverError("method_failed", message, { value: message, cause: error });
}

function recentTraffic(
  meter: ServiceMeter | undefined,
  windowMs: number,
): TrafficStats | undefined {
  return meter?.hasRecent === true ? trafficStats(sumTraffic([meter]), windowMs) : undefined;
}

function listInstances(instances: readonly Instance[]): InstanceListing[] {
  return instances.flatMap(({ spec, status: state, target, startedAt }) =>
    state === "exited"
      ? []
      : {
          instance: spec.instance,
          version: spec.version,
          state,
          callsInFlight: target.callsInFlight,
          startedAt: startedAt.toISOString(),
        },
  );
}
