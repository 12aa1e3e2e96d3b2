import {
  type CallRequest,
  callDeadline,
  FETCH_METHOD,
  isStreamingName,
  LeverError,
  type LeverUrl,
  type Limits,
  wrongMethodKind,
} from "@leveros/protocol";
import { type AccessRequest, requestToken, withoutToken } from "../../access/access-request.ts";
import type { TokenIndex } from "../../access/token-index.ts";
import { GatewayMeter } from "../../metrics/gateway-meter.ts";
import type { CallRouter } from "../../router/call.ts";
import type { EnvironmentAccess } from "../../router/environment-access.ts";
import {
  checkHostHeader,
  checkPageOrigin,
  isConsoleHost,
  isConsolePage,
  isLocalHost,
  isOwnPage,
} from "./browser-origin.ts";
import { authorize } from "./principal.ts";

export {
  type AccessRequest,
  type Connection,
  isForwarded,
  isSameMachine,
  withoutIpv6Mapping,
} from "../../access/access-request.ts";
export type { TokenIndex } from "../../access/token-index.ts";

/** How a call came in. Pages can use all of these except `clientLink`. */
type Door = "http" | "eventSource" | "webSocket" | "grpc" | "clientLink" | "page" | "site";

/** A call as a door has read it. */
export interface IncomingCall {
  readonly door: Door;
  readonly target: LeverUrl;
  /** The request that brought the call; of a client link, the one that opened the link. */
  readonly request: AccessRequest;
  readonly isStream: boolean;
  /** The deadline that the caller asks for; 0 = none. An error = its text is malformed, or it is out of range. */
  readonly askedMs: number | LeverError;
}

/** The first half of a request. The rest is what the caller sends. */
export type AdmittedCall = Pick<CallRequest, "caller" | "target" | "isStream" | "timeoutMs">;

interface AdmissionOptions {
  readonly router: Pick<CallRouter, "environment" | "sites">;
  readonly access: TokenIndex;
  readonly limits: Pick<Limits, "callTimeoutMs" | "callTimeoutMaxMs">;
  /** undefined = callers use no TLS. */
  readonly certificate?: { readonly cert: Buffer } | undefined;
  /** Host names that the console may have, in lower case. Default: none. */
  readonly consoleHosts?: readonly string[];
}

const NO_NAMES: ReadonlySet<string> = new Set();

/**
 * The only way in for calls from outside. Doors have neither the tokens nor the environments, so none of them can admit a
 * call by rules of its own.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #consoleHosts: ReadonlySet<string>;
  /** Counts the calls that ask for admission. */
  readonly meter: GatewayMeter = new GatewayMeter();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#consoleHosts = new Set(options.consoleHosts);
  }

  /**
   * Checks the page's origin, the method's kind, the Host header, who calls and the deadline, in this order.
   * @throws LeverError `forbidden`, `wrong_http_method`, `wrong_method_kind`, `unauthorized`, `malformed_request`
   */
  admitCall(call: IncomingCall): AdmittedCall {
    countCall(this.meter, call);
    try {
      return this.checkCall(call);
    } catch (error) {
      if (error instanceof LeverError) this.meter.addRefusal(error.code);
      throw error;
    }
  }

  /** As `admitCall`, for a call that is not counted: another door takes it if it is refused here. */
  checkCall(call: IncomingCall): AdmittedCall {
    const { door, target, request, isStream, askedMs } = call;
    const { router, access, limits } = this.#options;
    const environment = router.environment(target.environment)?.access;
    const isPagePossible = door !== "clientLink" && environment !== undefined;
    // A site has pages, and decides itself which others may call it.
    if (isPagePossible && door !== "site") this.#checkOrigin(request, target, environment);
    checkMethod(call, environment);
    if (isPagePossible) this.#checkHost(call, environment);
    const caller = authorize(access, call, environment);
    if (askedMs instanceof LeverError) throw askedMs;
    const timeoutMs = callDeadline({ askedMs, isStreaming: isStream }, limits);
    return { caller, target, isStream, timeoutMs };
  }

  /**
   * As `admitCall`, for an HTTP request that a service's `fetch` answers. Its Authorization is the service's, and so is a token
   * among the subprotocols of a WebSocket, unless it is a token of Lever's: then the service does not get it.
   */
  admitSite(
    target: LeverUrl,
    request: AccessRequest,
  ): { readonly admitted: AdmittedCall; readonly headers: AccessRequest["headers"] } {
    const incoming = { door: "site", target, isStream: true, askedMs: 0 } as const;
    const { headers, method, httpVersionMajor, socket, isForwarded } = request;
    if (requestToken(headers) === undefined) {
      return { admitted: this.admitCall({ ...incoming, request }), headers };
    }
    const others = withoutToken(headers);
    if (this.#options.access.knowsTokenOf(headers)) {
      return { admitted: this.admitCall({ ...incoming, request }), headers: others };
    }
    const without = { headers: others, method, httpVersionMajor, socket, isForwarded };
    return { admitted: this.admitCall({ ...incoming, request: without }), headers };
  }

  /**
   * Checks the origin of a page that asks what it may send (an OPTIONS request), which is no call.
   * @throws LeverError `forbidden`
   */
  admitPreflight(environment: string, request: AccessRequest): void {
    const known = this.#options.router.environment(environment)?.access;
    if (known !== undefined) this.#checkOrigin(request, { environment }, known);
  }

  /** The origin whose pages may read the response, `*` for any; undefined = the request has no origin, or a refused one. */
  readableOrigin(
    environment: string,
    { headers: { origin } }: Pick<AccessRequest, "headers">,
  ): string | undefined {
    if (origin === undefined) return undefined;
    const origins = this.#options.router.environment(environment)?.access.corsOrigins;
    if (origins?.has("*") === true) return "*";
    return origins?.has(origin) === true ? origin : undefined;
  }

  /** The HTTP methods for a method, as the header Allow lists them. */
  allowedMethods({ environment, method }: LeverUrl): string {
    const access = this.#options.router.environment(environment)?.access;
    return isOpenToGet(isStreamingName(method), access)
      ? "GET, HEAD, POST, OPTIONS"
      : "POST, OPTIONS";
  }

  /** The console may be used under the request's host name (B4). */
  isConsoleHost({ headers }: Pick<AccessRequest, "headers">): boolean {
    return isConsoleHost(headers, this.#names);
  }

  /** Without tokens, names of this machine are the host's only ones. */
  get #names(): Parameters<typeof isConsoleHost>[1] {
    const { access, certificate, router } = this.#options;
    const { sites } = router;
    return access.hasTokens
      ? { certificate: certificate?.cert, given: this.#consoleHosts, sites }
      : { certificate: undefined, given: NO_NAMES, sites };
  }

  #checkOrigin(
    request: AccessRequest,
    target: Pick<LeverUrl, "environment">,
    access: EnvironmentAccess,
  ): void {
    const { headers } = request;
    const refusal = checkPageOrigin(headers, access.corsOrigins);
    if (refusal === undefined) return;
    const { certificate, router } = this.#options;
    if (access.kind === "services" && isOwnPage(request, target, router.sites)) return;
    const about = { isSecure: certificate !== undefined, given: this.#names.given };
    if (!isConsolePage(headers, about) || !this.isConsoleHost(request)) throw refusal;
  }

  #checkHost({ door, target, request }: IncomingCall, access: EnvironmentAccess): void {
    const { router, access: tokens } = this.#options;
    // Where pages of any origin may call, a page gains nothing by another host name.
    if (access.corsOrigins.has("*") || !tokens.isTrustedByAddress(request)) return;
    if (access.kind === "services" && isLocalHost(request, target, door === "site")) return;
    const isPage = door === "site" && request.headers.origin !== undefined;
    const isEnvironment = (name: string): boolean =>
      router.environment(name) !== undefined ||
      router.sites.routes.environmentOf(name) !== undefined;
    const refusal = checkHostHeader(request, isEnvironment, isPage);
    if (refusal !== undefined) throw refusal;
  }
}

export function countCall(meter: GatewayMeter, { door, request }: IncomingCall): void {
  switch (door) {
    case "http":
      if (request.httpVersionMajor === 2) meter.add("http2");
      else meter.addHttp1();
      return;
    case "eventSource":
      meter.add("sse");
      return;
    case "webSocket":
      meter.add("websocket");
      return;
    case "grpc":
      meter.add("grpc");
      return;
    case "clientLink":
      meter.add("link");
      return;
    case "site":
      if (request.httpVersionMajor === 2) meter.add("http2");
      else meter.addHttp1();
      return;
    case "page":
      return;
  }
}

/** Checks what a door can carry. The router checks the rest: it has the services. */
function checkMethod(
  { door, target: { method }, request, isStream }: IncomingCall,
  environment: EnvironmentAccess | undefined,
): void {
  switch (door) {
    case "http":
      if (request.method === "POST") return;
      throw wrongHttpMethod(request.method, isOpenToGet(isStream, environment));
    case "eventSource":
      if (!isOpenToGet(isStream, environment)) throw wrongHttpMethod(request.method);
      return;
    case "webSocket":
      if (isStreamingName(method)) return;
      throw wrongMethodKind(method, false);
    case "page":
      if (request.method === "GET" || request.method === "HEAD") return;
      throw wrongHttpMethod(request.method);
    case "site":
      return;
    case "grpc":
    case "clientLink":
      // Only a gateway makes the calls of HTTP requests.
      if (isStream && method === FETCH_METHOD) throw wrongMethodKind(method, false);
      return;
  }
}

/** A page's own host needs no Origin header for a GET, so Lever's own services cannot be called by it. */
function isOpenToGet(isStream: boolean, environment: EnvironmentAccess | undefined): boolean {
  return isStream && environment?.kind !== "platform";
}

export function wrongHttpMethod(method: string | undefined, isOpenToGet = false): LeverError {
  const get = isOpenToGet ? ", or GET with accept: text/event-stream" : "";
  return new LeverError(
    "wrong_http_method",
    `Cannot call a method by ${method}: allowed is POST${get}.`,
  );
}
