import type { IncomingHttpHeaders } from "node:http";
import {
  isStreamingName,
  LeverError,
  type LeverUrl,
  type Limits,
  parseLeverPath,
} from "@leveros/protocol";
import { siteOfHostName } from "../../router/local-host-name.ts";
import { askedTimeoutMs } from "./call-timeout.ts";
import { requestTarget } from "./request-target.ts";

/** Begins paths of Lever itself. No service can have this name. */
const PLATFORM = "-";

/** The method that a plain request calls, a regular one, and its deadline (0 = none); undefined = the request is not plain. */
export function plainTarget(
  path: string,
  headers: IncomingHttpHeaders,
  limits: Pick<Limits, "callTimeoutMaxMs">,
): { readonly target: LeverUrl; readonly askedMs: number } | undefined {
  const request = { url: path, headers };
  const askedMs = askedTimeoutMs(request, limits);
  if (askedMs instanceof LeverError) return undefined;
  try {
    const target = requestTarget(request);
    const isPlain =
      !isStreamingName(target.method) &&
      siteOfHostName(target.environment) === undefined &&
      target.service !== PLATFORM;
    return isPlain ? { target, askedMs } : undefined;
  } catch {
    // `serveHttp` takes the request, and answers with the reason.
    return undefined;
  }
}

/** As `plainTarget`, for a path without parameters, when another one with the same headers has called this environment. */
export function plainTargetIn(environment: string, path: string): LeverUrl | undefined {
  try {
    const { service, resource, method } = parseLeverPath(path);
    return isStreamingName(method) ? undefined : { environment, service, resource, method };
  } catch {
    return undefined;
  }
}
