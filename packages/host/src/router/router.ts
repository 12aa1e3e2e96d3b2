import {
  type CallHandle,
  type CallListener,
  type CallOpening,
  closedSide,
  isCallableName,
  isStreamingName,
  LeverError,
  type LeverUrl,
  type Limits,
  type PayloadKind,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { RoutedCall, type WaitTimes } from "./routed-call.ts";
import {
  type InstanceTarget,
  type LiveVersion,
  type RouteOptions,
  ServiceRoute,
} from "./service-route.ts";

/** Who calls. Decided by the connection that the call came over, never by what it says. */
export interface Caller {
  /** `""` = from outside. */
  readonly environment: string;
  readonly service: string;
}

/** Whoever comes in through the gateway. */
export const OUTSIDE: Caller = { environment: "", service: "" };

export interface RouterOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  /** For the ownership of a resource: higher than all before. @throws LeverError when there is none now. */
  readonly nextEpoch: () => number;
}

/** A call as a transport hands it in. */
export interface CallRequest {
  /** With an environment. */
  readonly url: LeverUrl;
  readonly caller: Caller;
  readonly isStream: boolean;
  /** 0 = no deadline. */
  readonly timeoutMs: number;
  readonly kind: PayloadKind;
  readonly body: Uint8Array;
  /** As of a `CallOpening`. */
  readonly release?: (() => void) | undefined;
  /** Messages follow after the arguments. */
  readonly hasMore: boolean;
}

/** A call that is under way, or waits, or has been refused. */
export interface OpenCall extends CallHandle {
  readonly waitTimes: WaitTimes | undefined;
}

/** What is needed to make calls: the host's own router, or the way to it from another process. */
export interface CallRouter {
  environment(name: string): { readonly access: EnvironmentAccess } | undefined;
  /** Makes a call. A refusal comes as `onAbort`, perhaps before this returns. */
  call(request: CallRequest, events: CallListener): OpenCall;
}

/** Who may call into an environment. */
export interface EnvironmentAccess {
  /** Origins whose pages may call; `*` = any. */
  readonly corsOrigins: ReadonlySet<string>;
  /** `platform` = Lever's own services: only callers from outside reach it, and no service can be deployed to it. */
  readonly kind: "services" | "platform";
  /** Anyone may invoke its services, with no token. */
  readonly isPublic: boolean;
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

  call(request: CallRequest, events: CallListener): OpenCall {
    const route = this.#find(request);
    if (route instanceof LeverError) {
      events.onAbort(route);
      return refusedCall;
    }
    const { caller, url } = request;
    const opening: CallOpening = {
      environment: caller.environment,
      service: caller.service,
      resource: url.resource,
      method: url.method,
      isStream: request.isStream,
      timeoutMs: request.timeoutMs,
      kind: request.kind,
      body: request.body,
      release: request.release,
    };
    const options = { caller: events, hasMore: request.hasMore, clock: this.#options.clock };
    const call = new RoutedCall(route, opening, options);
    try {
      const target = route.choose(call);
      if (target === undefined) {
        call.waits();
        route.wait(call);
        this.onDemand(route);
      } else {
        call.assign(target);
        if (route.isOverloaded) this.onDemand(route);
      }
    } catch (error) {
      if (!(error instanceof LeverError)) throw error;
      call.refuse(error);
    }
    return call;
  }

  #find(request: CallRequest): ServiceRoute | LeverError {
    const { url, caller } = request;
    const { environment, service, method } = url;
    if (this.#isClosing && caller.environment === "") {
      return new LeverError("unavailable", "Cannot take the call: Lever is stopping.", {
        retryAfterSeconds: 5,
      });
    }
    const routes = this.#environments.get(environment);
    if (routes === undefined) {
      return new LeverError("unknown_environment", `There is no environment ${environment}.`);
    }
    if (routes.access.kind === "platform" && caller.environment !== "") {
      return new LeverError("forbidden", `Services may not call into ${environment}.`);
    }
    const route = routes.services.get(service);
    if (route === undefined) {
      return new LeverError("unknown_service", `There is no service ${service} in ${environment}.`);
    }
    if (route.live.isPrivate && caller.environment !== environment) {
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

/** The side of a call that was over before it began. */
const refusedCall: OpenCall = { ...closedSide, waitTimes: undefined };
