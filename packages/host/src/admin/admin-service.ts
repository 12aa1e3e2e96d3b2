import {
  type ErrorCode,
  type InstanceListing,
  LeverError,
  type RollbackReport,
  type ServiceListing,
} from "@leveros/protocol";
import { CallServer, listMethods, type ServiceStream } from "@leveros/runtime";
import type { TokenRegistry } from "../access/token-registry.ts";
import type { Deployer } from "../deployer/deployer.ts";
import { ADMIN_ENVIRONMENT, type Environments } from "../environments/environments.ts";
import type { Variables } from "../environments/variables.ts";
import type { ServiceFleet } from "../fleet/service-fleet.ts";
import { memoryLink } from "../instance-link/memory-link.ts";
import type { Store } from "../store/store.ts";
import { accessMethods } from "./access-methods.ts";
import { environmentMethods } from "./environment-methods.ts";
import { AdminGuard } from "./guard.ts";
import { type ObserveOptions, observeMethods } from "./observe-methods.ts";
import { parseEnvironment, parseService, unknownEnvironment } from "./parse-arguments.ts";

const ADMIN_SERVICE = "admin";

/** The admin service takes no part in scaling: this many calls at once, and no more. */
const CALLS_MAX = 100;

export interface AdminOptions extends ObserveOptions {
  readonly environments: Environments;
  readonly variables: Variables;
  readonly store: Store;
  readonly deployer: Deployer;
  readonly tokens: TokenRegistry;
  readonly wallTime: () => number;
  /** Resolves when what was changed holds wherever calls come in. */
  readonly propagated: () => Promise<void>;
}

/**
 * Puts Lever's own management into the routing table: a service like any other, whose one instance is the host. Its
 * calls come through the same gateway, router and link.
 */
export function startAdminService(options: AdminOptions): void {
  const { router, limits } = options;
  const guard = new AdminGuard({ ...options, access: options.tokens.index });
  const methods = listMethods(guard.guardAll(adminMethods(options)));
  const server = new CallServer(methods, { replyBytesMax: limits.bodyBytesMax, isPlatform: true });
  const callee = memoryLink(
    (request, side) =>
      guard.runAs(request.caller.kind === "admin" ? request.caller.principal : "", () =>
        server.onCall(request, side),
      ),
    {
      messageBytesMax: limits.bodyBytesMax,
      callsMax: CALLS_MAX,
    },
  );
  const route = router.setService(ADMIN_ENVIRONMENT, ADMIN_SERVICE, {
    version: 1,
    isPrivate: false,
    methods: [...methods.keys()],
  });
  route.add({ instance: "host", version: 1, callee, callsInFlight: 0, streamsInFlight: 0 });
}

/** The methods of the admin service, as a module would export them. */
function adminMethods(options: AdminOptions): Record<string, unknown> {
  const { store, fleet, deployer, router } = options;

  /** Receives a .tar.gz as byte messages; ends without a message, or with a report when asked for one. */
  async function deployServiceChan(
    stream: ServiceStream,
    environment: unknown,
    wanted?: unknown,
  ): Promise<void> {
    const name = parseEnvironment(environment);
    const report = await deployer.deploy(name, stream).catch((error: unknown) => {
      throw isAboutContent(error) ? new Error(error.message) : error;
    });
    const isReportWanted =
      typeof wanted === "object" && wanted !== null && "report" in wanted && wanted.report === true;
    if (isReportWanted) stream.write(report);
  }

  /** The services of an environment with their versions and instances. */
  async function listServices(environment: unknown): Promise<ServiceListing[]> {
    const name = parseEnvironment(environment);
    const routes = router.environment(name);
    if (routes === undefined) throw unknownEnvironment(name);
    const listings: ServiceListing[] = [];
    const versions = Map.groupBy(await store.versions(name), ({ service }) => service);
    for (const [service, records] of versions) {
      const liveVersion = routes.services.get(service)?.live.version;
      const live = records.find(({ version }) => version === liveVersion);
      if (live === undefined) continue;
      listings.push({
        environment: name,
        service,
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
        instances: listInstances(fleet.service(name, service)),
      });
    }
    return listings;
  }

  /** Makes an older version live again: the one given, or the newest that is older than the live one. */
  async function rollBackService(
    environment: unknown,
    service: unknown,
    version?: unknown,
  ): Promise<RollbackReport> {
    const name = parseEnvironment(environment);
    if (router.environment(name) === undefined) throw unknownEnvironment(name);
    if (version !== undefined && version !== null && typeof version !== "number") {
      throw new LeverError(
        "malformed_request",
        `Cannot roll back: found is version ${JSON.stringify(version)}; allowed is its number.`,
      );
    }
    return await deployer
      .rollBack(name, parseService(service), version ?? undefined)
      .catch((error: unknown) => {
        throw isAboutContent(error) ? new Error(error.message) : error;
      });
  }

  return {
    deployServiceChan,
    /** The name that clients of the original call it by. */
    DeployServiceChan: deployServiceChan,
    rollBackService,
    listServices,
    ...environmentMethods(options),
    ...accessMethods(options),
    ...observeMethods(options),
  };
}

const CONTENT_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_archive",
  "invalid_service",
  "not_supported",
  "start_failed",
  "too_large",
]);

/** A deploy that is refused for what is in it has failed by itself; anything else is Lever's refusal. */
function isAboutContent(error: unknown): error is LeverError {
  return error instanceof LeverError && CONTENT_CODES.has(error.code);
}

function listInstances(service: ServiceFleet | undefined): InstanceListing[] {
  return (service?.instances ?? []).flatMap((instance) => {
    const { status: state } = instance;
    if (state === "exited") return [];
    const { instance: name, version } = instance.spec;
    const { callsInFlight } = instance.target;
    const startedAt = instance.startedAt.toISOString();
    return { instance: name, version, state, callsInFlight, startedAt };
  });
}
