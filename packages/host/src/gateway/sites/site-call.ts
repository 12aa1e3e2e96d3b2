import {
  encodeJson,
  FETCH_METHOD,
  type FetchRequestHead,
  LeverError,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import type { RoutedRequest } from "../../router/chain-link.ts";
import { type NumberedCall, numberCall } from "../call-marks.ts";
import type { DoorOptions } from "../door-options.ts";
import type { HttpRequest } from "../http/exchange.ts";
import { BY_LABEL, BY_NAME, type Reach } from "./reach.ts";
import { requestFields } from "./request-fields.ts";
import { requestResource } from "./request-resource.ts";
import type { SiteRequest } from "./site-request.ts";

/** Methods that no `Request` can have (Fetch, 2.2.1), or that are for a proxy itself. */
const REFUSED_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

export type AdmittedSiteRequest = ReturnType<DoorOptions["admission"]["admitSite"]>;

/** Admits a request for a service. @throws LeverError with the refusal. */
export function admitSiteRequest(
  { environment, service, site, path }: SiteRequest,
  request: HttpRequest,
  { admission }: Pick<DoorOptions, "admission">,
): AdmittedSiteRequest {
  const { method = "GET" } = request;
  if (REFUSED_METHODS.has(method)) throw refusedMethod(method);
  const coding = request.headers["transfer-encoding"];
  // The service could not know of another one: the field is for this connection.
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
    throw new LeverError(
      "malformed_request",
      "Cannot read the request: its transfer-encoding is not chunked alone.",
    );
  }
  const resource = requestResource(site.resource, path, request.headers);
  const target = { environment, service, resource, method: FETCH_METHOD };
  return admission.admitSite(target, request);
}

interface CallOptions {
  readonly request: HttpRequest;
  readonly options: DoorOptions;
  readonly hasBody: boolean;
  readonly upgrade?: "websocket";
}

interface SiteCall {
  readonly opening: RoutedRequest;
  readonly call: NumberedCall;
  readonly reach: Reach;
}

/**
 * The call of an admitted request: its head is the arguments.
 * @throws LeverError with which the router would refuse it.
 */
export function siteCall(
  { prefix, path, isOwnHost, isByLabel }: SiteRequest,
  { admitted, headers }: AdmittedSiteRequest,
  { request, options, hasBody, upgrade }: CallOptions,
): SiteCall {
  const { admission, router, isSecure, limits } = options;
  const { method = "GET", socket } = request;
  const refusal = router.refusal(admitted);
  if (refusal !== undefined) {
    admission.meter.addRefusal(refusal.code);
    throw refusal;
  }
  const { fields, origin, outerPrefix } = requestFields(headers, { socket, isSecure, prefix });
  const url = `${origin}${path}`;
  const head: FetchRequestHead =
    upgrade === undefined
      ? [method, url, fields, hasBody]
      : [method, url, fields, hasBody, upgrade];
  const call = numberCall(request.headers, limits);
  const opening = { ...admitted, ...call, kind: PAYLOAD_JSON, body: encodeJson(head) } as const;
  const own = isByLabel ? BY_LABEL : BY_NAME;
  return { opening, call, reach: isOwnHost ? own : { kind: "path", path: outerPrefix } };
}

function refusedMethod(method: string): LeverError {
  return new LeverError(
    "wrong_http_method",
    `Cannot pass on the request: ${method} is not for services.`,
  );
}
