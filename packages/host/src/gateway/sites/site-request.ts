import { isStreamingName, type LeverUrl, parseLeverPath } from "@leveros/protocol";
import type { Sites } from "../../router/sites.ts";
import type { HttpRequest } from "../http/exchange.ts";
import { hostName, siteOfHostName } from "../http/host-name.ts";
import { type RequestHead, requestEnvironment, splitUrl } from "../http/request-target.ts";

/** A request that the `fetch` of a service answers. */
export interface SiteRequest extends Pick<LeverUrl, "environment" | "service"> {
  /** The beginning of the path, which the service does not get; `""` on its own host name. */
  readonly prefix: string;
  /** The path and the query that the service gets; without a `/` at its beginning, the caller has left it out. */
  readonly path: string;
}

/**
 * The service whose `fetch` answers a request; undefined = there is none, or the request is a call. On a service's own host
 * name, everything is for its `fetch`. On all other ones, what is below its name is, except calls of its methods.
 */
export function siteRequest(
  request: RequestHead & Pick<HttpRequest, "method">,
  sites: Sites,
): SiteRequest | undefined {
  const { url = "" } = request;
  if (sites.isEmpty || !url.startsWith("/")) return undefined;
  const own = siteOfHostName(hostName(request.headers) ?? "");
  if (own !== undefined && sites.methodsOf(own.environment, own.service) !== undefined) {
    return { ...own, prefix: "", path: url };
  }
  const { path, query } = splitUrl(request);
  const slash = path.indexOf("/", 1);
  const prefix = slash === -1 ? path : path.slice(0, slash);
  try {
    const service = decodeURIComponent(prefix.slice(1));
    const environment = requestEnvironment(request.headers, query);
    const methods = sites.methodsOf(environment, service);
    if (methods === undefined || isCall(request, path, methods)) return undefined;
    return { environment, service, prefix, path: url.slice(prefix.length) };
  } catch {
    // `requestTarget` reports what is malformed.
    return undefined;
  }
}

/** True for a call of one of these methods in one of the forms that calls have: other requests with its name are pages. */
function isCall(
  { method, headers }: Pick<HttpRequest, "method" | "headers">,
  path: string,
  methods: readonly string[],
): boolean {
  const name = methodName(path);
  if (name === undefined || !methods.includes(name)) return false;
  switch (method) {
    case "POST":
      return true;
    case "OPTIONS":
      return headers["access-control-request-method"] === "POST";
    case "GET":
    case "HEAD":
      return isStreamingName(name) && headers.accept?.includes("text/event-stream") === true;
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
