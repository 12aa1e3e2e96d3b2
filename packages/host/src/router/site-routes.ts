import { Emitter } from "../emitter.ts";

/** A host name, or a part of its paths, that leads to a service. */
export interface SiteRoute {
  /** In lower case. `*.` at its beginning stands for one label. */
  readonly host: string;
  /** `""`, or a path without a slash at its end. */
  readonly path: string;
  readonly environment: string;
  /** `""` = the service that the label names. */
  readonly service: string;
}

/** The service to which a request is led. */
export interface RoutedSite {
  readonly environment: string;
  readonly service: string;
  /** The beginning of the path, which the service does not get. */
  readonly prefix: string;
  /** A label of the host name names the service. */
  readonly isByLabel: boolean;
}

interface HostRoutes {
  /** All routes of a host name are of one environment. */
  readonly environment: string;
  /** The longest path first. */
  routes: readonly SiteRoute[];
}

/** Which services host names lead to, for the gateways. */
export class SiteRoutes {
  readonly #hosts = new Map<string, HostRoutes>();
  /** With `isKnown` false, it was removed. */
  readonly changed: Emitter<{ readonly route: SiteRoute; readonly isKnown: boolean }> =
    new Emitter();

  get isEmpty(): boolean {
    return this.#hosts.size === 0;
  }

  /** The environment whose services a host name leads to; undefined = it has no routes. */
  environmentOf(host: string): string | undefined {
    // Most hosts have none, and each plain call asks.
    return this.isEmpty ? undefined : this.#of(host)?.environment;
  }

  /** `path` has no query. The longest prefix wins. */
  find(host: string, path: string): RoutedSite | undefined {
    if (this.isEmpty) return undefined;
    const route = this.#of(host)?.routes.find((of) => isBelow(path, of.path));
    if (route === undefined) return undefined;
    const { environment, path: prefix, service } = route;
    const isByLabel = service === "";
    return { environment, service: isByLabel ? firstLabel(host) : service, prefix, isByLabel };
  }

  add(route: SiteRoute): void {
    const { host, path, environment } = route;
    const known = this.#hosts.get(host)?.routes ?? [];
    const routes = [...known.filter((of) => of.path !== path), route];
    routes.sort((a, b) => b.path.length - a.path.length);
    this.#hosts.set(host, { environment, routes });
    this.changed.emit({ route, isKnown: true });
  }

  remove(route: SiteRoute): void {
    const { host, path } = route;
    const known = this.#hosts.get(host);
    if (known === undefined) return;
    known.routes = known.routes.filter((of) => of.path !== path);
    if (known.routes.length === 0) this.#hosts.delete(host);
    this.changed.emit({ route, isKnown: false });
  }

  *[Symbol.iterator](): Iterator<SiteRoute> {
    for (const { routes } of this.#hosts.values()) yield* routes;
  }

  #of(host: string): HostRoutes | undefined {
    const dot = host.indexOf(".");
    // A Host header may begin with an asterisk.
    if (dot < 1 || host[0] === "*") return undefined;
    return this.#hosts.get(host) ?? this.#hosts.get(`*${host.slice(dot)}`);
  }
}

function isBelow(path: string, prefix: string): boolean {
  if (prefix === "") return true;
  const { length } = prefix;
  return path.startsWith(prefix) && (path.length === length || path[length] === "/");
}

function firstLabel(host: string): string {
  return host.slice(0, host.indexOf("."));
}
