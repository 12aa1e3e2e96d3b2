import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  isCallableName,
  isStreamingName,
  LeverError,
  type Limits,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { CallRouter } from "./call.ts";
import type { EnvironmentAccess } from "./environment-access.ts";
import type { InstanceTarget } from "./instance-target.ts";
import { RoutedCall } from "./routed-call.ts";
import { type LiveVersion, type RouteOptions, ServiceRoute } from "./service-route.ts";

export interface RouterOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  /** For the ownership of a resource: higher than all before. @throws LeverError when there is none now. */
  readonly nextEpoch: () => number;
}

/** An environment as the data plane sees it. */
export interface EnvironmentRoutes {
  access: EnvironmentAccess;
  /** What its services share. */
  readonly options: RouteOptions;
  readonly services: Map<string, ServiceRoute>;
}

/**
 * The routing table, and the one way every call takes: find the service, check that the caller may call it, choose an
 * instance or wait for one. Fed by the control plane through `set…` and `remove…`, it never waits for it: when a call
 * finds no instance, `onDemand` says so and the call waits.
 */
export class Router implements CallRouter {
  readonly #environments = new Map<string, EnvironmentRoutes>();
  readonly #options: RouterOptions;
  #isClosing = false;
  /** A call waits, since no instance has room; or those that are there carry more than they should. */
  onDemand: (route: ServiceRoute) => void = () => {};

  /** An instance does not give a resource back: it has to end. */
  onStuck: (route: ServiceRoute, target: InstanceTarget, resource: string) => void = () => {};

  /** Who may call into an environment has changed; undefined = there is none any more. */
  onEnvironment: (name: string, access: EnvironmentAccess | undefined) => void = () => {};

  constructor(options: RouterOptions) {
    this.#options = options;
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
      const options: RouteOptions = {
        ...this.#options,
        waiting: { calls: 0, bytes: 0 },
        onDemand: (route) => this.onDemand(route),
        onStuck: (of, target, resource) => this.onStuck(of, target, resource),
      };
      this.#environments.set(name, { access, options, services: new Map() });
    } else known.access = access;
    this.onEnvironment(name, access);
  }

  /** From now on there is no such environment; what is under way goes on. */
  removeEnvironment(name: string): void {
    this.#environments.delete(name);
    this.onEnvironment(name, undefined);
  }

  /** The service's live version is this one from now on; waiting calls and instances stay. */
  setService(environment: string, service: string, live: LiveVersion): ServiceRoute {
    const routes = this.#environments.get(environment);
    if (routes === undefined) {
      throw new Error(`Cannot route ${service}: there is no environment ${environment}.`);
    }
    const known = routes.services.get(service);
    if (known !== undefined) {
      known.live = live;
      return known;
    }
    const route = new ServiceRoute({ environment, service }, live, routes.options);
    routes.services.set(service, route);
    return route;
  }

  /** From now on nobody from outside may call; what is under way, and what that calls in turn, goes on. */
  close(): void {
    this.#isClosing = true;
  }

  open(request: CallRequest, listener: CallListener, hasMore: boolean): CallHandle {
    const route = this.#find(request);
    if (route instanceof LeverError) {
      listener.onAbort(route);
      return closedSide;
    }
    const options = { caller: listener, hasMore, clock: this.#options.clock };
    const call = new RoutedCall(route, request, options);
    route.submit(call);
    return call;
  }

  #find(request: CallRequest): ServiceRoute | LeverError {
    const { target, caller } = request;
    const { environment, service, method } = target;
    const isService = caller.kind === "service";
    if (this.#isClosing && !isService) {
      return new LeverError("unavailable", "Cannot take the call: Lever is stopping.", {
        retryAfterSeconds: 5,
      });
    }
    const routes = this.#environments.get(environment);
    if (routes === undefined) {
      return new LeverError("unknown_environment", `There is no environment ${environment}.`);
    }
    if (routes.access.kind === "platform" && isService) {
      return new LeverError("forbidden", `Services may not call into ${environment}.`);
    }
    const route = routes.services.get(service);
    if (route === undefined) {
      return new LeverError("unknown_service", `There is no service ${service} in ${environment}.`);
    }
    if (route.live.isPrivate && !(isService && caller.environment === environment)) {
      return new LeverError(
        "private_service",
        `The service ${service} is private: only services of ${environment} may call it.`,
      );
    }
    const { methods } = route.live;
    if (methods === undefined ? !isCallableName(method) : !methods.includes(method)) {
      return new LeverError("unknown_method", `The service ${service} has no method ${method}.`);
    }
    const isStreaming = isStreamingName(method);
    if (isStreaming !== request.isStream) {
      const [is, not] = isStreaming ? ["streaming", "regular"] : ["regular", "streaming"];
      return new LeverError(
        "wrong_method_kind",
        `${method} is a ${is} method, and was called as a ${not} one.`,
      );
    }
    return route;
  }
}
