// One class, although long: all instances of a host share its memory, its loop and its end.

import {
  type InstancesReport,
  isFilesOnly,
  LeverError,
  type Limits,
  type NetworkPolicy,
  serviceKey,
} from "@leveros/protocol";
import { decideInstances } from "../autoscaler/decide-instances.ts";
import type { ServiceShare } from "../autoscaler/decide-share.ts";
import { linkInstance } from "../instance-link/instance-link.ts";
import { instanceMemoryMb, type Launcher } from "../launcher/launcher.ts";
import type { Router } from "../router/router.ts";
import type { ServiceRoute } from "../router/service-route.ts";
import type { VersionRecord } from "../store/store.ts";
import type { FleetContext } from "./fleet-context.ts";
import { instanceLimits, serviceLimits } from "./fleet-limits.ts";
import { Instance, type InstanceListener } from "./instance.ts";
import type { InstanceContext } from "./instance-context.ts";
import { outOfMemory } from "./instance-errors.ts";
import type { OutputContext } from "./instance-output.ts";
import { type InstanceSpec, prepareInstance, type SpecSources } from "./instance-spec.ts";
import { RamBudget } from "./ram-budget.ts";
import { ReconcileLoop } from "./reconcile-loop.ts";
import { asStartError } from "./service-failures.ts";
import { ServiceFleet } from "./service-fleet.ts";
import { ServicePreparation } from "./service-preparation.ts";
import { StartCounter } from "./start-counter.ts";

export interface FleetOptions extends SpecSources, OutputContext {
  readonly launcher: Launcher;
  readonly router: Pick<Router, "demanded" | "stuck">;
  readonly limits: Limits;
  /** Serves a call that an instance makes. */
  readonly serveCall: InstanceContext["serveCall"];
  /** How a runtime is linked. Default: over its socket; a simulation has its own way. */
  readonly link?: InstanceContext["link"];
  /** How many instances a service should have. Default: `decideInstances`. */
  readonly decide?: typeof decideInstances;
}

/** A deploy starts another candidate for one whose process was lost before it ran any code of the service. */
const LOST_CANDIDATES_MAX = 3;

/**
 * All instances of a host.
 *
 * - F1. Only ready instances of the live version get new calls.
 * - F2. A service that cannot start fails every call at once with the reason, and is tried again with growing delays.
 * - F3. When `close` resolves, no instance runs.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #services = new Map<string, ServiceFleet>();
  /** Until their processes have exited; candidates too. */
  readonly #instances = new Set<Instance>();
  readonly #instanceContext: InstanceContext;
  readonly #context: FleetContext<ServiceFleet>;
  readonly #loop: ReconcileLoop<ServiceFleet>;
  readonly #ramBudget: RamBudget;
  readonly #starts = new StartCounter();
  /** undefined = the launcher has nothing to prepare. */
  readonly #preparation: ServicePreparation | undefined;
  /** Environments whose instances may not reach all of the internet. */
  readonly #restricted = new Set<string>();
  #isClosing = false;
  #shareOf: ((service: string) => ServiceShare) | undefined;
  #isDraining = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { router, limits, launcher, clock, log, link, decide } = options;
    this.#ramBudget = new RamBudget(limits.instancesRamMbMax);
    this.#loop = new ReconcileLoop(clock, limits);
    this.#instanceContext = {
      ...options,
      link:
        link ?? (({ socket, shared }, handlers) => linkInstance(socket, { ...handlers, shared })),
      limits: instanceLimits(limits),
      onMemoryFreed: (ram) => this.#ramBudget.release(ram),
    };
    const { prepare } = launcher;
    this.#preparation = prepare && new ServicePreparation({ ...options, prepare });
    this.#context = {
      clock,
      log,
      limits: serviceLimits(limits),
      decide: decide ?? decideInstances,
      shareOf: ({ route: { environment, service } }) =>
        this.#shareOf?.(serviceKey(environment, service)),
      isClosing: () => this.#isClosing,
      isDraining: () => this.#isDraining,
      prepare: (record) => {
        // Services that are called stay prepared.
        this.#preparation?.add(record);
        return this.#prepare(record);
      },
      launch: (spec, listener) => this.#launch(spec, listener),
      hasMemoryFor: (service, { isNeeded }) => this.#hasMemoryFor(service, isNeeded),
      onStarted: (start) => this.#starts.add(start),
      markActive: (service) => this.#loop.markActive(service),
      markIdle: (service) => this.#loop.markIdle(service),
    };
    router.demanded.add((route) => this.#onDemand(route));
    router.stuck.add(({ route, target, resource }) => {
      const { environment, service } = route;
      const { instance } = target;
      const about = { environment, service, instance, resource };
      log("warn", "fleet", "resource close timed out", about);
      this.service(environment, service)?.onStuck(target);
    });
  }

  /**
   * The version is the live one from now on, in the fleet; `route` is its row of the routing table. A candidate becomes
   * its first instance. Older instances drain.
   */
  goLive(record: VersionRecord, route: ServiceRoute, candidate?: Instance): void {
    const key = serviceKey(record.environment, record.service);
    let service = this.#services.get(key);
    if (service === undefined) {
      service = new ServiceFleet(record, route, this.#context);
      this.#services.set(key, service);
    }
    this.#loop.markActive(service);
    service.goLive(record, candidate);
    if (!isFilesOnly(record.leverJson)) this.#preparation?.add(record);
  }

  /**
   * Starts an instance of a version that is not live, and waits until it has loaded its service. It is killed by its
   * `kill`, or handed to `goLive`.
   * @throws LeverError `start_failed` with the reason; `overloaded` when busy instances have all memory.
   */
  async startCandidate(record: VersionRecord): Promise<Instance> {
    while (!this.#ramBudget.fits(instanceMemoryMb(record.leverJson))) {
      const idlest = this.#stopIdlest(undefined);
      if (idlest === undefined) throw outOfMemory(record.service, this.#ramBudget.max);
      await idlest.exited;
    }
    for (let lost = 0; ; lost++) {
      const candidate = this.#launch(await this.#prepare(record), undefined);
      try {
        await candidate.ready;
        return candidate;
      } catch (error) {
        if (!candidate.wasLost || lost === LOST_CANDIDATES_MAX) throw error;
      }
    }
  }

  service(environment: string, service: string): ServiceFleet | undefined {
    return this.#services.get(serviceKey(environment, service));
  }

  /** From now on, other hosts have instances of the same services. Services are named as by `serviceKey`. */
  share(shareOf: (service: string) => ServiceShare): void {
    this.#shareOf = shareOf;
  }

  /** Other hosts want another number of instances here. */
  reconsider(service: ServiceFleet): void {
    this.#loop.markActive(service);
    service.reconcile();
  }

  /** All services, those at zero too. */
  get services(): ReadonlyMap<string, ServiceFleet> {
    return this.#services;
  }

  /** The environment restricts what instances reach over the network. */
  isRestricted(environment: string): boolean {
    return this.#restricted.has(environment);
  }

  /** The services of an environment, those at zero too. */
  servicesOf(environment: string): readonly ServiceFleet[] {
    return [...this.#services.values()].filter(({ live }) => live.environment === environment);
  }

  /** Stops all instances of an environment and forgets its services. They have left the routing table already. */
  async removeEnvironment(environment: string): Promise<void> {
    const why = `the environment ${environment} is removed`;
    await Promise.all(this.servicesOf(environment).map((of) => this.#remove(of, why)));
    await this.#preparation?.forget(environment);
    await this.#options.launcher.forget?.(environment);
    await this.setNetwork(environment, "internet");
  }

  /** Stops all instances of a service and forgets it. It has left the routing table already. */
  async removeService(environment: string, service: string): Promise<void> {
    const found = this.service(environment, service);
    await (found && this.#remove(found, `the service ${service} is removed`));
    await this.#preparation?.forget(environment, service);
    await this.#options.launcher.forget?.(environment, service);
  }

  async #remove(service: ServiceFleet, reason: string): Promise<void> {
    const { environment } = service.live;
    service.close(reason);
    await Promise.all(service.instances.map((instance) => instance.exited));
    this.#loop.remove(service);
    this.#ramBudget.cancelRequest(service);
    this.#services.delete(serviceKey(environment, service.live.service));
  }

  /** The launcher can restrict what instances reach over the network. */
  get restrictsNetworks(): boolean {
    return this.#options.launcher.network !== undefined;
  }

  /** Completes an error sentence: why instances would not reach all that this policy lists. */
  async refuseNetwork(policy: NetworkPolicy): Promise<string | undefined> {
    return await this.#options.launcher.network?.refuse(policy);
  }

  /** Sets what the environment's instances may reach over their own network, also those that run. */
  async setNetwork(environment: string, policy: NetworkPolicy): Promise<void> {
    this.#restricted[policy === "internet" ? "delete" : "add"](environment);
    await this.#options.launcher.network?.setPolicy(environment, policy);
  }

  /** No instance of a service runs. */
  get isEmpty(): boolean {
    return this.#instances.size === 0;
  }

  /** Starts no instances for calls from now on, and ends those that run as a deploy does; or starts them again. */
  drain(isDraining: boolean): void {
    this.#isDraining = isDraining;
    if (isDraining) for (const service of [...this.#loop.active]) service.drain();
    else for (const service of this.#services.values()) this.#wakeUp(service);
  }

  /** Instances of `minInstances` start again. Very many services are at zero, and stay there. */
  #wakeUp(service: ServiceFleet): void {
    const { live, instances } = service;
    if (instances.length === 0 && live.leverJson.minInstances === 0) return;
    this.#loop.markActive(service);
    service.reconcile();
  }

  /** Megabytes that are reserved for instances, and that may be. */
  get ram(): { reserved: number; max: number } {
    return this.#ramBudget;
  }

  /** Instances that were started because of calls. */
  get starts(): InstancesReport["host"]["starts"] {
    return this.#starts.report;
  }

  /** F3. Instances finish the calls that they have, as in any stop. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#loop.stop();
    for (const service of this.#services.values()) service.close();
    const instances = [...this.#instances];
    for (const instance of instances)
      if (instance.listener === undefined) instance.stop("Lever is stopping");
    await Promise.all(instances.map((instance) => instance.exited));
    await this.#preparation?.close();
  }

  #onDemand(route: ServiceRoute): void {
    const service = this.service(route.environment, route.service);
    if (service !== undefined) this.reconsider(service);
  }

  /** A needed instance without memory stops the instance of another service that has been idle longest. */
  #hasMemoryFor(service: ServiceFleet, isNeeded: boolean): boolean {
    const answer = this.#ramBudget.request(service, { isNeeded });
    if (answer === "waits") this.#stopIdlest(service);
    return answer === "yes";
  }

  /** Stops the instance that has been idle longest; undefined = none is idle. */
  #stopIdlest(except: ServiceFleet | undefined): Instance | undefined {
    let idlest: { instance: Instance; lastUsedAt: number } | undefined;
    for (const other of this.#loop.active) {
      if (other === except) continue;
      const { lastUsedAt } = other.route;
      if (idlest !== undefined && idlest.lastUsedAt <= lastUsedAt) continue;
      const instance = other.idleInstance();
      if (instance !== undefined) idlest = { instance, lastUsedAt };
    }
    if (idlest === undefined) return undefined;
    const { instance } = idlest;
    this.#options.log("info", "fleet", "idle instance stopped to free memory", instance.about);
    instance.stop("another service needs its memory");
    return instance;
  }

  async #prepare(record: VersionRecord): Promise<InstanceSpec> {
    const ram = instanceMemoryMb(record.leverJson);
    this.#ramBudget.reserve(ram);
    try {
      this.#checkNetwork(record);
      const spec = await prepareInstance(record, this.#options);
      if (this.#isClosing) throw new LeverError("unavailable", "Cannot start: Lever is stopping.");
      return spec;
    } catch (error) {
      this.#ramBudget.release(ram);
      throw this.#isClosing ? error : this.#preparationError(record, error);
    }
  }

  /** The log has the complete reason, which may have paths of the host. */
  #preparationError(
    { environment, service, version }: Pick<VersionRecord, "environment" | "service" | "version">,
    error: unknown,
  ): LeverError {
    const about = { environment, service, version, reason: String(error) };
    this.#options.log("warn", "fleet", "preparation failed", about);
    return asStartError({ service, version }, error);
  }

  #launch(spec: InstanceSpec, listener: InstanceListener | undefined): Instance {
    try {
      const instance = new Instance(spec, this.#instanceContext, listener);
      this.#instances.add(instance);
      void instance.exited.then(() => {
        this.#instances.delete(instance);
        this.#ramBudget.wakeWaiting();
      });
      return instance;
    } catch (error) {
      this.#ramBudget.release(instanceMemoryMb(spec));
      throw this.#preparationError(spec, error);
    }
  }

  /** Fails closed: without a launcher that restricts networks, restricted instances are not started. */
  #checkNetwork({ environment, service }: VersionRecord): void {
    if (!this.#restricted.has(environment) || this.restrictsNetworks) return;
    throw new LeverError(
      "start_failed",
      `Cannot start ${service}: what instances of ${environment} may reach is restricted, and only containers are held to that (lever up --isolation oci).`,
    );
  }
}
