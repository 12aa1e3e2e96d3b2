import type { IncomingHttpHeaders } from "node:http";
import { siteOfHostName } from "../../router/local-host-name.ts";
import type { RoutedSite } from "../../router/site-routes.ts";
import type { Sites } from "../../router/sites.ts";
import { hostName } from "../http/host-name.ts";

/** Begins the paths of calls on a service's own host name: its pages call methods of its environment on their own origin. */
const CALLS = "/-/lever/";

/** The service that a request on a service's own host name is for; undefined = the host name has no such service. */
export function ownSite(host: string, path: string, sites: Sites): RoutedSite | undefined {
  const local = siteOfHostName(host);
  const found: RoutedSite | undefined =
    local === undefined ? sites.routes.find(host, path) : { ...local, prefix: "", isByLabel: true };
  if (found === undefined) return undefined;
  const { environment, service } = found;
  return { ...found, service: sites.named(environment, service) ?? service };
}

/** The environment of the services that a host name belongs to; undefined = it belongs to none. */
export function ownEnvironment(headers: IncomingHttpHeaders, sites: Sites): string | undefined {
  const host = hostName(headers) ?? "";
  return siteOfHostName(host)?.environment ?? sites.routes.environmentOf(host);
}

/** The path of a call on a service's own host name; undefined = the request is for the service. */
export function ownCallPath(path: string): string | undefined {
  return path.startsWith(CALLS) ? path.slice(CALLS.length - 1) : undefined;
}
