import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  type InstancesReport,
  LeverError,
  type Limits,
  type NetworkPolicy,
} from "@leveros/protocol";
import { decideInstances } from "../autoscaler/decide-instances.ts";
import type { Clock } from "../clock.ts";
import { linkInstance } from "../instance-link/instance-link.ts";
import type { Launcher } from "../launcher/launcher.ts";
import type { Log } from "../logs/log.ts";
import { HealthTicker } from "../processes/process-health.ts";
import { bridgeCall } from "../router/bridge-call.ts";
import type { Router } from "../router/router.ts";
import type { ServiceRoute } from "../router/service-route.ts";
import type { VersionRecord } from "../store/store.ts";
import { Instance, type InstanceOwner } from "./instance.ts";
import { RamBudget } from "./ram-budget.ts";
import { type FleetContext, ServiceFleet } from "./service-fleet.ts";

/** How often services with instances are looked at. */
const TICK_MS = 1_000;
/** How often instances are asked for a sign of life: often enough for one to be found silent within a second. */
const HEALTH_TICK_MS = 200;
/** Of how many services that have come to zero it is remembered why: those that did so last. */
const IDLE_HISTORIES_MAX = 256;

export interface FleetOptions {
  readonly launcher: Launcher;
  readonly router: Router;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the code of a version lies; unpacks it first where that is needed. */
  readonly codeDirOf: (record: VersionRecord) => Promise<string>;
  /** What is set for a service, beside what Lever tells it. */
  readonly variablesOf: (environment: string, service: string) => Promise<Record<string, string>>;
  /** Each service gets a folder of its own below this one. */
  readonly serviceDataDir: string;
  readonly makeDir: (path: string) => void;
  /** How a runtime is linked; a simulation has its own. */
  readonly link?: InstanceOwner["link"];
  /** How many instances a service should have; a simulation may have its own. */
  readonly decide?: typeof decideInstances;
}

/**
 * All instances of a host.
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
  /** Those at zero that remember how they came there, in that order. */
  readonly #idleWithHistory = new Set<ServiceFleet>();
  /** Started for a deploy, and not live yet. */
  readonly #candidates = new Map<Instance, (error: LeverError | undefined) => void>();
  readonly #owner: InstanceOwner;
  readonly #context: FleetContext;
  readonly #ramBudget: RamBudget;
  readonly #starts = { count: 0, warm: 0, lastMs: [] as number[] };
  /** Environments whose instances may not reach all of the internet. */
  readonly #restricted = new Set<string>();
  #ticker: unknown;
  readonly #healthTicker: HealthTicker;
  #isClosing = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { router, limits, launcher, clock, log } = options;
    this.#ramBudget = new RamBudget(limits.instancesRamMbMax);
    router.onDemand = (route) => this.#onDemand(route);
    router.onStuck = (route, target, resource) => {
      const { environment, service } = route;
      const { instance } = target;
      const about = { environment, service, instance, resource };
      log("warn", "fleet", "resource close timed out", about);
      this.#services.get(keyOf(environment, service))?.onStuck(target);
    };
    this.#owner = {
      launcher,
      link:
        options.link ??
        (({ socket, shared }, handlers) => linkInstance(socket, { ...handlers, shared })),
      limits,
      clock,
      log,
      onCall: (caller, opening, side) =>
        bridgeCall(router, caller, { opening, side, timeoutMs: limits.callTimeoutMs }),
      onReady: (instance) => this.#onReady(instance),
      onUnroute: (instance) => this.#find(instance)?.route.stopping(instance.target),
      onUnresponsive: (instance) => {
        log("warn", "fleet", "instance unresponsive", aboutInstance(instance));
        this.#find(instance)?.onUnresponsive(instance);
      },
      onRecovered: (instance) => {
        log("info", "fleet", "instance recovered", aboutInstance(instance));
        this.#find(instance)?.onRecovered(instance);
      },
      onExited: (instance, error) => this.#onExited(instance, error),
    };
    const isClosing = (): boolean => this.#isClosing;
    this.#context = {
      clock,
      limits,
      decide: options.decide ?? decideInstances,
      get isClosing() {
        return isClosing();
      },
      start: (record) => this.#start(record),
      hasRoomFor: (service, of) => this.#hasRoomFor(service, of),
      markActive: (service) => this.#markActive(service),
      markIdle: (service) => this.#markIdle(service),
    };
    this.#tick();
    this.#healthTicker = new HealthTicker(clock, HEALTH_TICK_MS, (hostStallMs) => {
      for (const service of this.#active) service.checkHealth(hostStallMs);
    });
  }

  /** The version is the live one from now on. A candidate becomes its first instance; older instances drain. */
  goLive(record: VersionRecord, candidate?: Instance): void {
    const { environment, service, version, leverJson, methods } = record;
    // What a program of its own can do, it says when it is called.
    const known = leverJson.entry === undefined ? methods : undefined;
    const live = { version, isPrivate: leverJson.private, methods: known };
    const route = this.#options.router.setService(environment, service, live);
    const key = keyOf(environment, service);
    let fleet = this.#services.get(key);
    if (fleet === undefined) {
      fleet = new ServiceFleet(record, route, this.#context);
      this.#services.set(key, fleet);
    }
    if (candidate !== undefined) this.#candidates.delete(candidate);
    this.#markActive(fleet);
    fleet.goLive(record, candidate);
  }

  /**
   * Starts an instance of a version that is not live, and waits until it has loaded its service.
   * @throws LeverError `start_failed` that says why it cannot; `overloaded` when busy instances have all the memory.
   */
  async startCandidate(record: VersionRecord): Promise<Instance> {
    while (!this.#ramBudget.fits(record.leverJson.ram)) {
      const idlest = this.#stopIdlest(undefined);
      if (idlest !== undefined) {
        await idlest.exited;
        continue;
      }
      throw new LeverError(
        "overloaded",
        `Cannot start ${record.service}: the instances that run have been allotted all of the ${this.#ramBudget.max} MB that they may have.`,
        { retryAfterSeconds: 5 },
      );
    }
    const instance = await this.#start(record);
    await new Promise<void>((resolve, reject) => {
      this.#candidates.set(instance, (error) => (error === undefined ? resolve() : reject(error)));
    });
    return instance;
  }

  /** The deploy did not come to its end. */
  discardCandidate(instance: Instance): void {
    instance.kill();
  }

  service(environment: string, service: string): ServiceFleet | undefined {
    return this.#services.get(keyOf(environment, service));
  }

  /** The services of an environment, those at zero too. */
  servicesOf(environment: string): readonly ServiceFleet[] {
    return [...this.#services.values()].filter(({ live }) => live.environment === environment);
  }

  /** Ends everything of an environment, and forgets it. Its services have left the routing table already. */
  async removeEnvironment(environment: string): Promise<void> {
    const services = this.servicesOf(environment);
    const instances = services.flatMap((service) => service.close());
    await Promise.all(instances.map((instance) => instance.exited));
    for (const service of services) {
      this.#active.delete(service);
      this.#idleWithHistory.delete(service);
      this.#ramBudget.cancelRequest(service);
      this.#services.delete(keyOf(environment, service.live.service));
    }
  }

  /** Whether instances can be held to what their environment may reach. */
  get holdsNetworks(): boolean {
    return this.#options.launcher.setNetwork !== undefined;
  }

  /** What the environment's instances may reach by their own network, from now on. */
  async setNetwork(environment: string, policy: NetworkPolicy): Promise<void> {
    if (policy === "internet") this.#restricted.delete(environment);
    else this.#restricted.add(environment);
    await this.#options.launcher.setNetwork?.(environment, policy);
  }

  /** Megabytes that instances have been allotted, and may be. */
  get ram(): { reserved: number; max: number } {
    return this.#ramBudget;
  }

  /** Instances that were started because of calls. */
  get starts(): InstancesReport["host"]["starts"] {
    const { count, warm, lastMs } = this.#starts;
    const sorted = lastMs.toSorted((a, b) => a - b);
    return { count, warm, medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0 };
  }

  /** F3. Instances drain as in any stop. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const { clock } = this.#options;
    clock.clearTimeout(this.#ticker);
    this.#healthTicker.stop();
    const all = [...this.#candidates.keys()];
    for (const instance of all) instance.kill();
    for (const service of this.#services.values()) all.push(...service.close());
    await Promise.all(all.map((instance) => instance.exited));
  }

  #tick(): void {
    const { clock, limits } = this.#options;
    for (const service of this.#active) {
      service.route.closeIdleResources();
      service.reconcile();
    }
    const shortest = Math.min(
      limits.idleTimeoutMs,
      limits.scaleDownAfterMs,
      limits.resourceIdleTimeoutMs,
    );
    const delayMs = Math.max(20, Math.min(TICK_MS, shortest / 4));
    this.#ticker = clock.setTimeout(() => this.#tick(), delayMs);
  }

  #onDemand(route: ServiceRoute): void {
    const service = this.#services.get(keyOf(route.environment, route.service));
    if (service === undefined) return;
    this.#markActive(service);
    service.reconcile();
  }

  #markActive(service: ServiceFleet): void {
    this.#active.add(service);
    this.#idleWithHistory.delete(service);
  }

  #markIdle(service: ServiceFleet): void {
    this.#active.delete(service);
    service.route.releaseUnused();
    this.#idleWithHistory.add(service);
    const [oldest] = this.#idleWithHistory;
    if (oldest === undefined || this.#idleWithHistory.size <= IDLE_HISTORIES_MAX) return;
    this.#idleWithHistory.delete(oldest);
    oldest.forget();
  }

  /** Where there is none, the instance that has idled longest makes room for one that is needed. */
  #hasRoomFor(service: ServiceFleet, of: { isNeeded: boolean }): boolean {
    const answer = this.#ramBudget.request(service, of);
    if (answer === "waits") this.#stopIdlest(service);
    return answer === "yes";
  }

  /** Stops the instance that has idled longest, of any other service; undefined = none idles. */
  #stopIdlest(except: ServiceFleet | undefined): Instance | undefined {
    let idlest: { instance: Instance; lastUsedAt: number } | undefined;
    for (const other of this.#active) {
      if (other === except) continue;
      const { lastUsedAt } = other.route;
      if (idlest !== undefined && idlest.lastUsedAt <= lastUsedAt) continue;
      const instance = other.idleInstance();
      if (instance !== undefined) idlest = { instance, lastUsedAt };
    }
    if (idlest === undefined) return undefined;
    const about = aboutInstance(idlest.instance);
    this.#options.log("info", "fleet", "idle instance stopped to free memory", about);
    idlest.instance.stop();
    return idlest.instance;
  }

  async #start(record: VersionRecord): Promise<Instance> {
    const { environment, service, version, leverJson } = record;
    const { clock, codeDirOf, variablesOf, serviceDataDir, makeDir } = this.#options;
    const startedAt = clock.now();
    const { ram, maxCpu, jsEntry, entry, config } = leverJson;
    this.#ramBudget.reserve(ram);
    try {
      // A fence that is missing is no reason to go without.
      if (this.#restricted.has(environment) && !this.holdsNetworks) {
        throw new LeverError(
          "start_failed",
          `Cannot start ${service}: what instances of ${environment} may reach is restricted, and only containers are held to that (lever up --isolation oci).`,
        );
      }
      const codeDir = await codeDirOf(record);
      const set = await variablesOf(environment, service);
      if (this.#isClosing) throw new LeverError("unavailable", "Cannot start: Lever is stopping.");
      const dataDir = join(serviceDataDir, environment, service);
      makeDir(dataDir);
      const instance = `${service}-${version}-${randomBytes(4).toString("hex")}`;
      const variables = {
        ...set,
        LEVEROS_ENVIRONMENT: environment,
        LEVEROS_SERVICE: service,
        LEVEROS_INSTANCE_ID: instance,
        LEVEROS_CODE_VERSION: String(version),
        LEVEROS_INTERNAL_ENV_SUFFIX: ".lever",
        LEVEROS_CONFIG: JSON.stringify(config),
      };
      const prepareMs = clock.now() - startedAt;
      const about = { environment, service, version, instance };
      const room = { codeDir, dataDir, variables, ram, maxCpu };
      return new Instance({ ...about, ...room, jsEntry, entry, prepareMs }, this.#owner);
    } catch (error) {
      this.#ramBudget.release(ram);
      throw error;
    }
  }

  #onReady(instance: Instance): void {
    const { isWarm, launchMs, loadMs } = instance.target.start ?? {};
    const times = { isWarm, launchMs, loadMs };
    this.#options.log("info", "fleet", "instance ready", { ...aboutInstance(instance), ...times });
    const settle = this.#candidates.get(instance);
    if (settle !== undefined) {
      settle(undefined);
      return;
    }
    this.#countStart(instance);
    this.#find(instance)?.onReady(instance);
  }

  #countStart({ target: { start } }: Instance): void {
    if (start === undefined) return;
    this.#starts.count++;
    if (start.isWarm) this.#starts.warm++;
    this.#starts.lastMs.push(start.prepareMs + start.launchMs + start.loadMs);
    if (this.#starts.lastMs.length > 100) this.#starts.lastMs.shift();
  }

  #onExited(instance: Instance, error: LeverError): void {
    this.#ramBudget.release(instance.spec.ram);
    const settle = this.#candidates.get(instance);
    if (settle !== undefined) {
      this.#candidates.delete(instance);
      settle(error);
    } else if (this.#find(instance)?.instances.includes(instance) === true) {
      const about = aboutInstance(instance);
      if (instance.wasStopped || this.#isClosing) {
        this.#options.log("info", "fleet", "instance stopped", about);
      } else {
        this.#options.log("warn", "fleet", "instance failed", { ...about, reason: error.message });
      }
      this.#find(instance)?.onExited(instance, error);
    }
    this.#ramBudget.wakeWaiting();
  }

  #find(instance: Instance): ServiceFleet | undefined {
    return this.#services.get(keyOf(instance.spec.environment, instance.spec.service));
  }
}

function keyOf(environment: string, service: string): string {
  return `${environment}/${service}`;
}

function aboutInstance({ spec }: Instance): object {
  const { environment, service, version, instance } = spec;
  return { environment, service, version, instance };
}
