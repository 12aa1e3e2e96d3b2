import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { LeverError, type Limits } from "@leveros/protocol";
import { decideInstances, type RecentNeeds } from "../autoscaler/decide-instances.ts";
import type { Clock } from "../clock.ts";
import type { Launcher } from "../launcher/launcher.ts";
import type { Log } from "../log.ts";
import { bridgeCall } from "../router/bridge-call.ts";
import type { Router } from "../router/router.ts";
import type { InstanceTarget, ServiceRoute } from "../router/service-route.ts";
import type { VersionRecord } from "../store/store.ts";
import { Instance, type InstanceOwner } from "./instance.ts";
import { restartDelayMs } from "./restart-backoff.ts";

/** An instance that lives this long has started well: what happens later is no failure in a row. */
const HEALTHY_AFTER_MS = 10_000;
/** How often idle services are looked at. */
const TICK_MS = 1_000;

export interface FleetOptions {
  readonly launcher: Launcher;
  readonly router: Router;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the code of a version lies; unpacks it first where that is needed. */
  readonly codeDirOf: (record: VersionRecord) => Promise<string>;
  /** Each service gets a folder of its own below this one. */
  readonly serviceDataDir: string;
  readonly makeDir: (path: string) => void;
}

/** A service's live version and the instances that run for it. */
interface ServiceFleet {
  live: VersionRecord;
  readonly route: ServiceRoute;
  /** Of every version, until their processes have ended. */
  readonly instances: Set<Instance>;
  /** Being prepared, not yet an instance. */
  starting: number;
  /** Those that get no new calls, and stop when their last call is over, or at this moment all the same. */
  readonly retiring: Map<Instance, number>;
  recent: RecentNeeds;
  failuresInARow: number;
  /** No start before this moment. */
  notBefore: number;
  lastError: LeverError | undefined;
  retry: unknown;
}

/**
 * Makes what runs match what is wanted.
 *
 * - F1. Only ready instances of the live version get new calls.
 * - F2. A service that cannot start says why to every caller at once, and is tried again with growing delays.
 * - F3. When `close` resolves, no instance runs.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #services = new Map<string, ServiceFleet>();
  /** Those with instances or failures, so that services at zero cost nothing. */
  readonly #active = new Set<ServiceFleet>();
  /** Started for a deploy, and not live yet. */
  readonly #candidates = new Map<Instance, (error: LeverError | undefined) => void>();
  #ticker: unknown;
  readonly #owner: InstanceOwner;
  #isClosing = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { router, limits, launcher, clock, log } = options;
    router.onDemand = (route) => this.#onDemand(route);
    this.#owner = {
      launcher,
      limits,
      clock,
      log,
      onCall: (caller, opening, side) =>
        bridgeCall(router, caller, { opening, side, timeoutMs: limits.callTimeoutMs }),
      onReady: (instance) => this.#onReady(instance),
      onUnroute: (instance) => this.#find(instance)?.route.ending(instance.target),
      onGone: (instance, error) => this.#onGone(instance, error),
    };
    router.onStuck = (route, target, resource) => this.#onStuck(route, target, resource);
    this.#tick();
  }

  /** The version is the live one from now on. A candidate becomes its first instance; older instances drain. */
  goLive(record: VersionRecord, candidate?: Instance): void {
    const { environment, service, version, leverJson, methods } = record;
    // What a program of its own can do, it says when it is called.
    const known = leverJson.entry === undefined ? new Set(methods) : undefined;
    const live = { version, isPrivate: leverJson.private, methods: known };
    const route = this.#options.router.setService(environment, service, live);
    const key = keyOf(environment, service);
    let fleet = this.#services.get(key);
    if (fleet === undefined) {
      fleet = {
        live: record,
        route,
        instances: new Set(),
        starting: 0,
        retiring: new Map(),
        recent: [],
        failuresInARow: 0,
        notBefore: 0,
        lastError: undefined,
        retry: undefined,
      };
      this.#services.set(key, fleet);
    }
    const old = [...fleet.instances];
    fleet.live = record;
    fleet.failuresInARow = 0;
    fleet.notBefore = 0;
    route.lastUsedAt = this.#options.clock.now();
    if (candidate !== undefined) {
      this.#candidates.delete(candidate);
      // One that has failed since it was asked for its methods is started anew when a call comes.
      if (candidate.phase === "ready") {
        fleet.instances.add(candidate);
        route.add(candidate.target);
      }
    }
    // The new one takes calls before the old ones stop taking them.
    const until = this.#options.clock.now() + this.#options.limits.deployDrainTimeoutMs;
    for (const instance of old) this.#retire(fleet, instance, until);
    this.#active.add(fleet);
    this.#reconcile(fleet);
  }

  /**
   * Starts an instance of a version that is not live, and waits until it has loaded its service.
   * @throws LeverError `start_failed` that says why it cannot.
   */
  async startCandidate(record: VersionRecord): Promise<Instance> {
    const instance = await this.#start(record);
    await new Promise<void>((resolve, reject) => {
      this.#candidates.set(instance, (error) => (error === undefined ? resolve() : reject(error)));
    });
    return instance;
  }

  /** The deploy did not come to its end. */
  discardCandidate(instance: Instance): void {
    this.#candidates.delete(instance);
    instance.kill();
  }

  instancesOf(environment: string, service: string): readonly Instance[] {
    return [...(this.#services.get(keyOf(environment, service))?.instances ?? [])];
  }

  /** F3. Instances drain as in any stop. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#options.clock.clearTimeout(this.#ticker);
    const all = [...this.#candidates.keys()];
    for (const instance of all) instance.kill();
    for (const service of this.#services.values()) {
      this.#options.clock.clearTimeout(service.retry);
      for (const instance of service.instances) {
        instance.stop();
        all.push(instance);
      }
      service.route.refuseWaiting(
        new LeverError("unavailable", "Cannot take the call: Lever is stopping.", {
          retryAfterSeconds: 5,
        }),
      );
    }
    await Promise.all(all.map((instance) => instance.gone));
  }

  #tick(): void {
    const { clock, limits } = this.#options;
    for (const service of this.#active) {
      service.route.closeIdleResources();
      this.#reconcile(service);
    }
    const shortest = Math.min(
      limits.idleTimeoutMs,
      limits.scaleDownAfterMs,
      limits.resourceIdleTimeoutMs,
    );
    this.#ticker = clock.setTimeout(
      () => this.#tick(),
      Math.max(20, Math.min(TICK_MS, shortest / 4)),
    );
  }

  /** It may still use the resource, which nobody else gets as long as it lives. */
  #onStuck(route: ServiceRoute, target: InstanceTarget, resource: string): void {
    const { environment, service } = route;
    const { instance } = target;
    this.#options.log("warn", "fleet", "instance does not give a resource back", {
      environment,
      service,
      instance,
      resource,
    });
    const fleet = this.#services.get(keyOf(environment, service));
    for (const running of fleet?.instances ?? []) if (running.target === target) running.stop();
  }

  #onDemand(route: ServiceRoute): void {
    const service = this.#services.get(keyOf(route.environment, route.service));
    if (service === undefined) return;
    this.#active.add(service);
    this.#reconcile(service);
  }

  #reconcile(service: ServiceFleet): void {
    if (this.#isClosing) return;
    const { clock, limits } = this.#options;
    const now = clock.now();
    this.#stopRetired(service, now);
    const { route, live } = service;
    const running = [...service.instances].filter(
      (instance) =>
        instance.plan.version === live.version &&
        (instance.phase === "starting" || instance.phase === "ready") &&
        !service.retiring.has(instance),
    );
    const have = running.length + service.starting;
    const { minInstances, maxInstanceLoad } = live.leverJson;
    const maxInstances = live.leverJson.maxInstances ?? limits.instancesPerServiceMax;
    const load = {
      load: route.callsInFlight + route.callsWaiting,
      // A service that is starting or has started is in use; one at zero is only started by a call.
      idleMs: have > 0 ? now - route.lastUsedAt : Number.POSITIVE_INFINITY,
      maxInstanceLoad,
      minInstances,
      maxInstances,
    };
    const { recent, wanted } = decideInstances(service.recent, load, { now, ...limits });
    service.recent = recent;
    route.scaleUpAbove =
      wanted >= maxInstances ? Number.POSITIVE_INFINITY : wanted * maxInstanceLoad;
    if (wanted > have) this.#scaleUp(service, wanted - have, now);
    else if (wanted < have) this.#scaleDown(service, running, have - wanted);
    if (wanted === 0 && service.instances.size === 0 && service.starting === 0) {
      this.#active.delete(service);
    }
  }

  #scaleUp(service: ServiceFleet, missing: number, now: number): void {
    let left = missing;
    // What was about to leave is there at once.
    for (const instance of service.retiring.keys()) {
      if (left === 0) return;
      if (instance.plan.version !== service.live.version || instance.phase !== "ready") continue;
      service.retiring.delete(instance);
      service.route.add(instance.target);
      left--;
    }
    if (left > 0 && now < service.notBefore) {
      this.#holdBack(service, service.notBefore - now);
      return;
    }
    for (; left > 0; left--) void this.#startFor(service);
  }

  /** Those with the fewest calls and resources leave first. One that is still starting may be needed when it is ready. */
  #scaleDown(service: ServiceFleet, running: readonly Instance[], excess: number): void {
    const ready = running.filter(({ phase }) => phase === "ready");
    const weight = ({ target }: Instance): number =>
      target.callsInFlight + service.route.resourcesOf(target);
    ready.sort((a, b) => weight(a) - weight(b));
    for (const instance of ready.slice(0, excess)) {
      this.#retire(service, instance, Number.POSITIVE_INFINITY);
    }
  }

  /** No call is cut short: the instance stops when it has none any more, or when its time is up. */
  #retire(service: ServiceFleet, instance: Instance, until: number): void {
    service.route.retire(instance.target);
    if (instance.phase !== "ready") instance.stop();
    else service.retiring.set(instance, until);
    this.#stopRetired(service, this.#options.clock.now());
  }

  #stopRetired(service: ServiceFleet, now: number): void {
    for (const [instance, until] of service.retiring) {
      const { target, phase } = instance;
      const isBusy = target.callsInFlight > 0 || service.route.resourcesOf(target) > 0;
      if (phase === "ready" && isBusy && now < until) continue;
      service.retiring.delete(instance);
      instance.stop();
    }
  }

  /** F2. What started well and crashed later may work again: calls wait for it, no longer than the delay. */
  #holdBack(service: ServiceFleet, delayMs: number): void {
    if (service.lastError?.code === "start_failed") service.route.refuseWaiting(service.lastError);
    this.#options.clock.clearTimeout(service.retry);
    service.retry = this.#options.clock.setTimeout(() => this.#reconcile(service), delayMs);
  }

  async #startFor(service: ServiceFleet): Promise<void> {
    const record = service.live;
    service.starting++;
    try {
      const instance = await this.#start(record);
      service.instances.add(instance);
      // A deploy came between.
      if (service.live !== record) instance.stop();
    } catch (error) {
      this.#noteFailure(service, asStartError(record, error));
    } finally {
      service.starting--;
    }
  }

  async #start(record: VersionRecord): Promise<Instance> {
    const { environment, service, version, leverJson } = record;
    const codeDir = await this.#options.codeDirOf(record);
    if (this.#isClosing) throw new LeverError("unavailable", "Cannot start: Lever is stopping.");
    const dataDir = join(this.#options.serviceDataDir, environment, service);
    this.#options.makeDir(dataDir);
    const instance = `${service}-${version}-${randomBytes(4).toString("hex")}`;
    const variables = {
      HOME: dataDir,
      LEVEROS_ENVIRONMENT: environment,
      LEVEROS_SERVICE: service,
      LEVEROS_INSTANCE_ID: instance,
      LEVEROS_CODE_VERSION: String(version),
      LEVEROS_INTERNAL_ENV_SUFFIX: ".lever",
      LEVEROS_CONFIG: JSON.stringify(leverJson.config),
      LEVEROS_DATA_DIR: dataDir,
    };
    const plan = { environment, service, version, instance, codeDir, variables };
    const { jsEntry, entry } = leverJson;
    return new Instance({ ...plan, jsEntry, entry }, this.#owner);
  }

  #onReady(instance: Instance): void {
    const { environment, service, version } = instance.plan;
    const about = { environment, service, version, instance: instance.plan.instance };
    this.#options.log("info", "fleet", "instance ready", about);
    const settle = this.#candidates.get(instance);
    if (settle !== undefined) {
      settle(undefined);
      return;
    }
    const fleet = this.#find(instance);
    // F1.
    if (fleet?.live.version === version) fleet.route.add(instance.target);
    else instance.stop();
  }

  #onGone(instance: Instance, error: LeverError): void {
    const { environment, service, version } = instance.plan;
    const about = { environment, service, version, instance: instance.plan.instance };
    const settle = this.#candidates.get(instance);
    if (settle !== undefined) {
      this.#candidates.delete(instance);
      settle(error);
      return;
    }
    const fleet = this.#find(instance);
    if (fleet === undefined || !fleet.instances.delete(instance)) return;
    fleet.retiring.delete(instance);
    fleet.route.gone(instance.target);
    if (instance.wasStopped || this.#isClosing) {
      this.#options.log("info", "fleet", "instance stopped", about);
    } else {
      this.#options.log("warn", "fleet", "instance failed", { ...about, reason: error.message });
      if (version === fleet.live.version) this.#noteFailure(fleet, error, instance.startedAt);
    }
    this.#reconcile(fleet);
  }

  #noteFailure(service: ServiceFleet, error: LeverError, startedAt?: Date): void {
    const { clock } = this.#options;
    const livedMs = startedAt === undefined ? 0 : Date.now() - startedAt.getTime();
    service.failuresInARow = livedMs < HEALTHY_AFTER_MS ? service.failuresInARow + 1 : 1;
    service.notBefore = clock.now() + restartDelayMs(service.failuresInARow);
    service.lastError = error;
    // F2. A crash after the start concerns only the calls it had; those that wait may get the next instance.
    if (error.code === "start_failed") service.route.refuseWaiting(error);
    this.#active.add(service);
  }

  #find(instance: Instance): ServiceFleet | undefined {
    return this.#services.get(keyOf(instance.plan.environment, instance.plan.service));
  }
}

function keyOf(environment: string, service: string): string {
  return `${environment}/${service}`;
}

function asStartError(record: VersionRecord, error: unknown): LeverError {
  if (error instanceof LeverError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new LeverError(
    "start_failed",
    `Cannot start ${record.service} version ${record.version}: ${reason}.`,
    { cause: error },
  );
}
