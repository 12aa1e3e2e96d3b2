import type { Fleet, Router } from "@leveros/host/parts";
import type { CallRequest, Limits } from "@leveros/protocol";
import { SimulatedRuntime, type Watcher } from "./simulated-runtime.ts";

type Instance = NonNullable<ReturnType<Fleet["service"]>>["instances"][number];

export interface InvariantsOptions {
  readonly environment: string;
  readonly services: readonly string[];
  readonly limits: Limits;
  /** Megabytes that each instance is allotted. */
  readonly ram: number;
  /** A promise is broken. */
  readonly violate: (what: string) => void;
}

/**
 * The promises of a simulated host: those that hold at every moment, and those that hold when nothing happens any more.
 * Counts of the host are compared with the calls that its processes have.
 */
export class Invariants implements Watcher {
  /** The processes that live. */
  readonly runtimes = new Set<SimulatedRuntime>();
  launched = 0;
  ownerships = 0;
  readonly #options: InvariantsOptions;
  #host: { readonly router: Router; readonly fleet: Fleet } | undefined;
  /** The processes that have opened a resource and not closed it. */
  readonly #holders = new Map<string, Set<SimulatedRuntime>>();
  readonly #epochs = new Map<string, number>();
  /** The arguments of the calls that were sent to a process. */
  readonly #sent = new WeakSet<Uint8Array>();
  /** Instances whose processes are dead, and how many of them were checked right after that. */
  readonly #gone: { readonly service: string; readonly target: Instance["target"] }[] = [];
  #goneChecked = 0;

  constructor(options: InvariantsOptions) {
    this.#options = options;
  }

  check(isKept: boolean, what: string): void {
    if (!isKept) this.#options.violate(what);
  }

  /** Must be called before anything happens in the host. */
  watch(router: Router, fleet: Fleet): void {
    this.#host = { router, fleet };
  }

  /** Must be called before the fleet of the router is made, which acts on demand. */
  watchDemand(router: Router): void {
    router.demanded.add((route) => {
      const carried = this.#runtimesOf(route.service).reduce((sum, of) => sum + of.calls().all, 0);
      const isNeeded = route.callsWaiting > 0 || carried > route.capacity.scaleUpAbove;
      this.check(isNeeded, `C2: ${route.service} asks for more instances for ${carried} calls`);
    });
  }

  // Events of the processes.

  onLaunch(runtime: SimulatedRuntime): void {
    this.runtimes.add(runtime);
    this.launched++;
  }

  onSent(runtime: SimulatedRuntime, { target, body }: CallRequest): void {
    this.#sent.add(body);
    const { resource, method } = target;
    const instance = this.#instanceOf(runtime);
    this.check(!runtime.isDead, `${method} is sent to a dead process`);
    if (method === "closeResource") return;
    this.check(instance?.isUnresponsive === false, `${method} is sent to an unresponsive instance`);
    if (resource === "" || method === "newResource") {
      const { phase } = instance ?? {};
      this.check(phase === "ready", `F1: ${method} is sent to an instance that is ${phase}`);
    }
  }

  onCall(runtime: SimulatedRuntime, { target }: CallRequest): void {
    const { method, resource } = target;
    this.check(!runtime.isStopping, `a call of ${method} follows the promise that none does`);
    if (resource === "") return;
    const key = keyOf(runtime, resource);
    const isHeld = this.#holders.get(key)?.has(runtime) === true;
    this.check(isHeld, `O3: ${key} is called where it is not`);
  }

  onTakes(runtime: SimulatedRuntime, resource: string, epoch: number): void {
    const key = keyOf(runtime, resource);
    const held = this.#holders.get(key) ?? new Set();
    this.check(held.size === 0, `O1: ${key} has two owners`);
    this.check(epoch > (this.#epochs.get(key) ?? 0), `O2: the epoch of ${key} does not grow`);
    held.add(runtime);
    this.#holders.set(key, held);
    this.#epochs.set(key, epoch);
    this.ownerships++;
  }

  onClosing(runtime: SimulatedRuntime, resource: string): void {
    const { all } = runtime.calls(resource);
    this.check(all === 0, `O3: ${keyOf(runtime, resource)} is given up with ${all} calls on it`);
  }

  onGives(runtime: SimulatedRuntime, resource: string): void {
    this.#holders.get(keyOf(runtime, resource))?.delete(runtime);
  }

  onMisuse(what: string): void {
    this.check(false, what);
  }

  onDead(runtime: SimulatedRuntime): void {
    this.runtimes.delete(runtime);
    for (const held of this.#holders.values()) held.delete(runtime);
    const instance = this.#instanceOf(runtime);
    if (instance === undefined) return;
    this.#gone.push({ service: instance.spec.service, target: instance.target });
  }

  // Moments.

  /** Checks what holds at every moment. */
  checkNow(): void {
    const { limits, environment, services } = this.#options;
    let waiting = 0;
    for (const name of services) {
      const of = this.#fleet.service(environment, name);
      if (of === undefined) continue;
      const { callsWaiting } = of.route;
      waiting += callsWaiting;
      const isWithin = callsWaiting >= 0 && callsWaiting <= limits.queuedCallsPerServiceMax;
      this.check(isWithin, `the queue of ${name} has ${callsWaiting} calls`);
      let running = 0;
      for (const { target, phase, spec } of of.instances) {
        const isLive = spec.version === of.live.version;
        if (isLive && (phase === "ready" || phase === "starting")) running++;
        this.#checkCounts(target);
      }
      this.check(running <= limits.instancesPerServiceMax, `${name} has ${running} instances`);
    }
    const counted = this.#router.environment(environment)?.options.waiting.calls;
    this.check(counted === waiting, `C2: ${waiting} calls wait, and ${counted} are counted`);
    const { reserved, max } = this.#fleet.ram;
    this.check(reserved <= max, "more memory is allotted than there is");
    this.#checkGone(this.#goneChecked);
    this.#goneChecked = this.#gone.length;
  }

  /** A regular call without a resource that is not over yet: it waits only while no instance has a place for it. */
  checkCall({ service, body }: { readonly service: string; readonly body: Uint8Array }): void {
    if (this.#sent.has(body)) return;
    const { limits, environment } = this.#options;
    const of = this.#fleet.service(environment, service);
    for (const { target, phase, isUnresponsive, spec } of of?.instances ?? []) {
      if (phase !== "ready" || isUnresponsive || spec.version !== of?.live.version) continue;
      const { callsInFlight, streamsInFlight } = target;
      const regular = callsInFlight - streamsInFlight;
      const isFull =
        callsInFlight >= limits.callsPerInstanceMax ||
        regular >= (of?.route.capacity.callsPerInstanceTarget ?? 0);
      this.check(isFull, `a call of ${service} waits for an instance that has ${regular} calls`);
    }
  }

  /** Checks what holds when no call is made and nothing is deployed any more. */
  checkQuiet({ mayFailToStart }: { mayFailToStart: boolean }): void {
    const { environment, services, ram } = this.#options;
    let left = 0;
    for (const name of services) {
      const of = this.#fleet.service(environment, name);
      if (of === undefined) continue;
      const count = of.instances.length;
      left += count;
      const { minInstances } = of.live.leverJson;
      const isRight = count === minInstances || (mayFailToStart && count < minInstances);
      this.check(isRight, `${name} ends with ${count} instances`);
      this.check(of.route.callsWaiting === 0, `calls of ${name} still wait`);
      this.check(of.route.resources === 0, `${of.route.resources} resources of ${name} are left`);
      for (const { target } of of.instances) {
        const { callsInFlight, streamsInFlight } = target;
        const isZero = callsInFlight === 0 && streamsInFlight === 0;
        this.check(isZero, `C2: ${callsInFlight} calls and ${streamsInFlight} streams are left`);
      }
    }
    const waiting = this.#router.environment(environment)?.options.waiting;
    this.check(waiting?.bytes === 0, `C2: ${waiting?.bytes} bytes wait without a call`);
    const { reserved } = this.#fleet.ram;
    this.check(reserved === left * ram, `${reserved} MB are reserved for ${left} instances`);
    for (const runtime of this.runtimes) {
      this.check(
        runtime.halfOpen === 0,
        `${runtime.halfOpen} streams are not ended at an instance`,
      );
    }
    const { size } = this.runtimes;
    this.check(size === left, `${size} processes live, and the fleet has ${left} instances`);
    this.#checkGone(0);
  }

  /** F3. */
  checkClosed(): void {
    this.check(this.runtimes.size === 0, "F3: a process outlives the fleet");
    this.check(this.#fleet.ram.reserved === 0, "F3: memory is reserved in a closed fleet");
    this.#checkGone(0);
  }

  /** C2: the host's counts of calls on an instance are those of its process. */
  #checkCounts({ callee, callsInFlight, streamsInFlight }: Instance["target"]): void {
    if (!(callee instanceof SimulatedRuntime)) return;
    const { all, streams } = callee.calls();
    if (all === callsInFlight && streams === streamsInFlight) return;
    const counted = `${callsInFlight} calls and ${streamsInFlight} streams`;
    this.check(false, `C2: ${counted} are counted where ${all} and ${streams} are`);
  }

  /** The router has no trace of an instance whose process is dead. */
  #checkGone(first: number): void {
    for (const { service, target } of this.#gone.slice(first)) {
      const route = this.#fleet.service(this.#options.environment, service)?.route;
      const isForgotten = route?.remembers(target) !== true;
      this.check(isForgotten, `${service} remembers an instance that is gone`);
    }
  }

  #runtimesOf(service: string): SimulatedRuntime[] {
    return [...this.runtimes].filter(({ assignment }) => assignment?.service === service);
  }

  #instanceOf(runtime: SimulatedRuntime): Instance | undefined {
    const service = runtime.assignment?.service ?? "";
    const of = this.#fleet.service(this.#options.environment, service);
    return of?.instances.find(({ target }) => target.callee === runtime);
  }

  get #fleet(): Fleet {
    return this.#watched.fleet;
  }

  get #router(): Router {
    return this.#watched.router;
  }

  get #watched(): { readonly router: Router; readonly fleet: Fleet } {
    if (this.#host === undefined) throw new Error("Cannot check a host: none is watched.");
    return this.#host;
  }
}

function keyOf({ assignment }: SimulatedRuntime, resource: string): string {
  return `${assignment?.service} ${resource}`;
}
