import {
  type CallHandle,
  type CallListener,
  closedSide,
  formatCallId,
  LeverError,
  type Limits,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { Emitter } from "../emitter.ts";
import type { Counts } from "../metrics/counts.ts";
import type { ServiceMeters } from "../metrics/service-meters.ts";
import type { CallHead, CallRouter } from "./call.ts";
import type { CallRecorder } from "./call-recorder.ts";
import type { RoutedRequest } from "./chain-link.ts";
import type { EnvironmentAccess } from "./environment-access.ts";
import { type CallTable, findService } from "./find-service.ts";
import type { InstanceTarget } from "./instance-target.ts";
import type { LiveVersion } from "./live-version.ts";
import type { OtherHosts } from "./other-hosts.ts";
import type { RouteOptions } from "./route-options.ts";
import { RoutedCall } from "./routed-call.ts";
import { ServiceRoute } from "./service-route.ts";
import { Sites, siteOf } from "./sites.ts";

export interface RouterOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  /** As in `RouteOptions`. */
  readonly others?: OtherHosts<ServiceRoute> | undefined;
  /** Epoch for a new ownership of a resource: higher than all before. @throws LeverError when none is available. */
  readonly nextEpoch: () => number;
  /** Count the calls. Default: nothing does. */
  readonly meters?: ServiceMeters | undefined;
  /** Remembers the calls that have ended. Default: nothing does. */
  readonly recorder?: CallRecorder | undefined;
  /** Counts the refused calls that reach no service, by the code of the error. */
  readonly refusals?: Counts | undefined;
}

interface StuckResource {
  readonly route: ServiceRoute;
  readonly target: InstanceTarget;
  readonly resource: string;
}

/** An environment as the data plane sees it. */
export interface EnvironmentRoutes {
  access: EnvironmentAccess;
  /** Shared by its services. */
  readonly options: RouteOptions<ServiceRoute>;
  readonly services: Map<string, ServiceRoute>;
}

/**
 * The routing table. Every call goes through `open`: find the service, check that the caller may call it, and submit the
 * call to the service's route. The control plane updates the table through `set…` and `remove…`. The router never waits
 * for the control plane: when no instance can take a call, it emits `demanded` and the call waits.
 */
export class Router implements CallRouter, CallTable<ServiceRoute> {
  readonly #environments = new Map<string, EnvironmentRoutes>();
  readonly #options: RouterOptions;
  readonly sites: Sites = new Sites();
  #isClosing = false;
  /** A call waits because no instance can take it, or the instances carry more than they should. */
  readonly demanded: Emitter<ServiceRoute> = new Emitter();

  /** An instance does not close a resource in time: it must exit. */
  readonly stuck: Emitter<StuckResource> = new Emitter();

  /** Access to an environment has changed; undefined = the environment was removed. */
  readonly accessChanged: Emitter<{
    readonly environment: string;
    readonly access: EnvironmentAccess | undefined;
  }> = new Emitter();

  /** The live version of a service has changed; undefined = the service was removed. */
  readonly serviceChanged: Emitter<{
    readonly environment: string;
    readonly service: string;
    readonly live: LiveVersion | undefined;
  }> = new Emitter();

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  get environments(): ReadonlyMap<string, EnvironmentRoutes> {
    return this.#environments;
  }

  environment(name: string): EnvironmentRoutes | undefined {
    return this.#environments.get(name);
  }

  setEnvironment(name: string, access: EnvironmentAccess): void {
    const known = this.#environments.get(name);
    if (known === undefined) {
      const options: RouteOptions<ServiceRoute> = {
        ...this.#options,
        waiting: { calls: 0, bytes: 0 },
        onDemand: (route) => this.demanded.emit(route),
        onStuck: (route, target, resource) => this.stuck.emit({ route, target, resource }),
      };
      this.#environments.set(name, { access, options, services: new Map() });
    } else known.access = access;
    this.accessChanged.emit({ environment: name, access });
  }

  /** Removes an environment. Calls in flight go on. */
  removeEnvironment(name: string): void {
    for (const service of this.#environments.get(name)?.services.keys() ?? []) {
      this.sites.set(name, service, undefined);
    }
    this.#environments.delete(name);
    this.accessChanged.emit({ environment: name, access: undefined });
  }

  /** Sets the live version of a service. Waiting calls and instances stay. */
  setService(environment: string, service: string, live: LiveVersion): ServiceRoute {
    const routes = this.#environments.get(environment);
    if (routes === undefined) {
      throw new Error(`Cannot route ${service}: there is no environment ${environment}.`);
    }
    this.sites.set(environment, service, siteOf(live));
    let route = routes.services.get(service);
    if (route === undefined) {
      route = new ServiceRoute({ environment, service }, live, routes.options);
      routes.services.set(service, route);
    } else route.live = live;
    this.serviceChanged.emit({ environment, service, live });
    return route;
  }

  /** Removes a service. Calls in flight go on. */
  removeService(environment: string, service: string): void {
    this.sites.set(environment, service, undefined);
    this.#environments.get(environment)?.services.delete(service);
    this.serviceChanged.emit({ environment, service, live: undefined });
  }

  /** Refuses calls from outside. Calls in flight go on, and so do the calls that they make. */
  close(): void {
    this.#isClosing = true;
  }

  open(request: RoutedRequest, listener: CallListener, hasMore: boolean): CallHandle {
    const route = this.#find(request);
    if (route instanceof LeverError) {
      this.#options.refusals?.add(route.code);
      listener.onAbort(route.ofCall(formatCallId(request.number ?? 0)));
      return closedSide;
    }
    const options = { caller: listener, hasMore, clock: this.#options.clock };
    const call = new RoutedCall(route, request, options);
    route.submit(call);
    return call;
  }

  refusal(call: CallHead): LeverError | undefined {
    const route = this.#find(call);
    return route instanceof LeverError ? route : undefined;
  }

  #find(request: CallHead): ServiceRoute | LeverError {
    const route = findService(request, this);
    const { parentCall } = request;
    if (parentCall === undefined || parentCall.depth < this.#options.limits.callDepthMax) {
      return route;
    }
    return route instanceof LeverError ? route : tooDeep(request, parentCall.depth);
  }
}

function tooDeep({ target }: CallHead, depth: number): LeverError {
  return new LeverError(
    "overloaded",
    `Cannot call ${target.service}/${target.method}: it is the last of ${depth + 1} calls, each made in the course of the one before, and ${depth} are allowed (callDepthMax). A method may call itself without end.`,
  );
}
