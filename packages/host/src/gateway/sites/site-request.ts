import { isStreamingName, type LeverUrl, parseLeverPath } from "@leveros/protocol";
import type { Site, Sites } from "../../router/sites.ts";
import type { HttpRequest } from "../http/exchange.ts";
import { hostName, siteOfHostName } from "../http/host-name.ts";
import { type RequestHead, requestEnvironment, splitUrl } from "../http/request-target.ts";

/** A request that a service answers by its `fetch`, or with a file. */
export interface SiteRequest extends Pick<LeverUrl, "environment" | "service"> {
  readonly site: Site;
  /** The beginning of the path, which the service does not get; `""` on its own host name. */
  readonly prefix: string;
  /** The path and the query that the service gets; without a `/` at its beginning, the caller has left it out. */
  readonly path: string;
}

/**
 * The service that answers a request; undefined = there is none, or the request is a call. On a service's own host name,
 * everything is for the service. On all other ones, what is below its name is, except calls of its methods. `isUpgrade`: it asks
 * for a WebSocket.
 */
export function siteRequest(
  request: RequestHead & Pick<HttpRequest, "method">,
  sites: Sites,
  isUpgrade = false,
): SiteRequest | undefined {
  const { url = "" } = request;
  if (sites.isEmpty || !url.startsWith("/")) return undefined;
  const own = siteOfHostName(hostName(request.headers) ?? "");
  if (own !== undefined) {
    const site = sites.of(own.environment, own.service);
    if (site !== undefined) return { ...own, site, prefix: "", path: url };
  }
  const { path, query } = splitUrl(request);
  const slash = path.indexOf("/", 1);
  const prefix = slash === -1 ? path : path.slice(0, slash);
  try {
    const service = decodeURIComponent(prefix.slice(1));
    const environment = requestEnvironment(request.headers, query);
    const site = sites.of(environment, service);
    if (site === undefined || isCall(request, path, site, isUpgrade)) return undefined;
    return { environment, service, site, prefix, path: url.slice(prefix.length) };
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
