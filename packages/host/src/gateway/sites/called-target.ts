import { type LeverUrl, parseLeverPath } from "@leveros/protocol";
import type { Sites } from "../../router/sites.ts";
import { type RequestHead, requestTarget, splitUrl } from "../http/request-target.ts";
import { ownCallPath, ownEnvironment } from "./own-host.ts";

/**
 * The method that a request calls, also on a service's own host name.
 * @throws LeverError `malformed_request`
 */
export function calledTarget(request: RequestHead, sites: Sites): LeverUrl {
  const path = ownCallPath(splitUrl(request).path);
  const environment = path === undefined ? undefined : ownEnvironment(request.headers, sites);
  if (path === undefined || environment === undefined) return requestTarget(request);
  return { environment, ...parseLeverPath(path) };
}
