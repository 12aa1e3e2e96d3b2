import { isStreamingName, LeverError, type LeverUrl, parseLeverPath } from "@leveros/protocol";
import type { RoutedSite } from "../../router/site-routes.ts";
import type { Site, Sites } from "../../router/sites.ts";
import type { HttpRequest } from "../http/exchange.ts";
import { hostName } from "../http/host-name.ts";
import { type RequestHead, requestEnvironment, splitUrl } from "../http/request-target.ts";
import { ownCallPath, ownEnvironment, ownSite } from "./own-host.ts";

/** A request that a service answers by its `fetch`, or with a file. */
export interface SiteRequest extends RoutedSite {
  readonly site: Site;
  /** The path and the query that the service gets; without a `/` at its beginning, the caller has left it out. */
  readonly path: string;
  /** The host name is the service's own: no page of Lever has its origin. */
  readonly isOwnHost: boolean;
}

/**
 * The service that answers a request; undefined = there is none, or the request is a call. On a service's own host name,
 * everything is for the service, except calls below `/-/lever/`. On all other ones, what is below its name is, except calls of
 * its methods. `isUpgrade`: it asks for a WebSocket.
 * @throws LeverError `unknown_service` when a host name leads to a service that answers no HTTP requests
 */
export function siteRequest(
  request: RequestHead & Pick<HttpRequest, "method">,
  sites: Sites,
  isUpgrade = false,
): SiteRequest | undefined {
  const { url = "", headers } = request;
  if ((sites.isEmpty && sites.routes.isEmpty) || !url.startsWith("/")) return undefined;
  const { path, query } = splitUrl(request);
  if (ownEnvironment(headers, sites) !== undefined) {
    if (ownCallPath(path) !== undefined) return undefined;
    const own = ownSite(hostName(headers) ?? "", path, sites);
    const site = own && sites.of(own.environment, own.service);
    if (own === undefined || site === undefined) throw noSite(own);
    return { ...own, site, path: url.slice(own.prefix.length), isOwnHost: true };
  }
  const slash = path.indexOf("/", 1);
  const prefix = slash === -1 ? path : path.slice(0, slash);
  try {
    const service = decodeURIComponent(prefix.slice(1));
    const environment = requestEnvironment(headers, query);
    const site = sites.of(environment, service);
    if (site === undefined || isCall(request, path, site, isUpgrade)) return undefined;
    const shared = { prefix, path: url.slice(prefix.length), isByLabel: false, isOwnHost: false };
    return { environment, service, site, ...shared };
  } catch {
    // `requestTarget` reports what is malformed.
    return undefined;
  }
}

/** True for a call of one of these methods in one of the forms that calls have: other requests with its name are pages. */
function isCall(
  { method, headers }: Pick<HttpRequest, "method" | "headers">,
  path: string,
  { methods }: Site,
  isUpgrade: boolean,
): boolean {
  const name = methodName(path);
  if (name === undefined || methods?.includes(name) === false) return false;
  switch (method) {
    case "POST":
      return true;
    case "OPTIONS":
      return headers["access-control-request-method"] === "POST";
    case "GET":
    case "HEAD":
      if (!isStreamingName(name)) return false;
      return isUpgrade || headers.accept?.includes("text/event-stream") === true;
    default:
      return false;
  }
}

function methodName(path: string): string | undefined {
  try {
    return parseLeverPath(path).method;
  } catch {
    return undefined;
  }
}

function noSite(own: Pick<LeverUrl, "environment" | "service"> | undefined): LeverError {
  return new LeverError(
    "unknown_service",
    own === undefined
      ? "There is nothing at this path: no route of this host name leads from it to a service."
      : `There is no service ${own.service} in ${own.environment} that answers HTTP requests.`,
  );
}
