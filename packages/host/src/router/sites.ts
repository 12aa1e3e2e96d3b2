import { FETCH_METHOD, type HttpResource, hostLabel, type LeverUrl } from "@leveros/protocol";
import { Emitter } from "../emitter.ts";
import type { LiveVersion, SiteFiles } from "./live-version.ts";
import { siteHostName } from "./local-host-name.ts";
import { SiteRoutes } from "./site-routes.ts";

/** A service that answers HTTP requests, as a gateway needs it. */
export interface Site {
  /** Its methods beside `fetch`; undefined = any name may be one. */
  readonly methods?: readonly string[] | undefined;
  /** Its `fetch` answers the requests that no file does. */
  readonly hasFetch: boolean;
  /** The part of a request that names its resource. */
  readonly resource?: HttpResource | undefined;
  /** Most bytes of the body of a request; undefined = no limit. */
  readonly bodyBytesMax?: number | undefined;
  /** Files with which the gateway itself answers. */
  readonly files?: SiteFiles | undefined;
}

/** A live version as a site; undefined = it answers no HTTP requests. */
export function siteOf(live: LiveVersion): Site | undefined {
  const { methods, isPrivate, httpResource, httpBodyBytesMax: bodyBytesMax, files } = live;
  const hasFetch = methods?.includes(FETCH_METHOD) === true;
  // A private service has no callers from outside, and the router refuses them.
  const served = isPrivate ? undefined : files;
  if (!hasFetch && served === undefined) return undefined;
  const others = methods?.filter((method) => method !== FETCH_METHOD);
  return { methods: others, hasFetch, resource: httpResource, bodyBytesMax, files: served };
}

/** The services that answer HTTP requests. A gateway finds out here whether a request is a call of a method or a page. */
export class Sites {
  readonly #byEnvironment = new Map<string, Map<string, Site>>();
  /** Services with capitals in their names, by environment and label. */
  readonly #withCapitals = new Map<string, Set<string>>();
  readonly routes: SiteRoutes = new SiteRoutes();

  /** undefined = the service answers no requests any more. */
  readonly changed: Emitter<{
    readonly environment: string;
    readonly service: string;
    readonly site: Site | undefined;
  }> = new Emitter();

  get isEmpty(): boolean {
    return this.#byEnvironment.size === 0;
  }

  /**
   * True when a POST is a request to a site, which has no method of this name. The environment is what the host name says: it may
   * be a name of a service's own.
   */
  takesPost({ environment, service, method }: LeverUrl): boolean {
    if (this.routes.environmentOf(environment) !== undefined) return true;
    const methods = this.of(environment, service)?.methods;
    return methods !== undefined && !methods.includes(method);
  }

  /** undefined = the service answers no HTTP requests. */
  of(environment: string, service: string): Site | undefined {
    // Most hosts have none, and each plain call asks.
    if (this.isEmpty) return undefined;
    return this.#byEnvironment.get(environment)?.get(service);
  }

  /**
   * The service that a label of a host name means: the one with this name or, since host names have no capitals, the only one whose
   * name differs by capitals alone. undefined = none, or several.
   */
  named(environment: string, label: string): string | undefined {
    if (this.of(environment, label) !== undefined) return label;
    const names = this.#withCapitals.get(placeOf(environment, label));
    const [only] = names?.size === 1 ? names : [];
    return only;
  }

  /** The host name of a service's own on this machine; undefined = another service has it, or its name cannot be a label. */
  hostNameOf(environment: string, service: string): string | undefined {
    const label = hostLabel(service);
    const isIts = label !== undefined && this.named(environment, label) === service;
    return isIts ? siteHostName({ environment, service }) : undefined;
  }

  set(environment: string, service: string, site: Site | undefined): void {
    this.#setLabel(environment, service, site !== undefined);
    const services = this.#byEnvironment.get(environment);
    if (site === undefined) {
      if (services?.delete(service) !== true) return;
      if (services.size === 0) this.#byEnvironment.delete(environment);
    } else if (services === undefined) {
      this.#byEnvironment.set(environment, new Map([[service, site]]));
    } else services.set(service, site);
    this.changed.emit({ environment, service, site });
  }

  #setLabel(environment: string, service: string, isSite: boolean): void {
    const label = hostLabel(service);
    if (label === undefined || label === service) return;
    const place = placeOf(environment, label);
    const names = this.#withCapitals.get(place) ?? new Set();
    if (isSite) names.add(service);
    else names.delete(service);
    if (names.size === 0) this.#withCapitals.delete(place);
    else this.#withCapitals.set(place, names);
  }
}

function placeOf(environment: string, label: string): string {
  return `${environment} ${label}`;
}
