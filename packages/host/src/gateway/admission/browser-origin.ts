import { X509Certificate } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { isLoopbackName, LeverError, type LeverUrl } from "@leveros/protocol";
import { type AccessRequest, withoutIpv6Mapping } from "../../access/access-request.ts";
import { siteHostName, siteOfHostName } from "../../router/local-host-name.ts";
import type { Sites } from "../../router/sites.ts";
import { hostName } from "../http/host-name.ts";
import { ownEnvironment } from "../sites/own-host.ts";

/**
 * Stops web pages from calling services with the rights of the person who visits them. A page chooses what its browser
 * sends, except for the headers that are checked here.
 *
 * - B1. A request with an Origin that the environment does not allow is refused before it does anything. The origin of a service's
 *   own host name is allowed to its pages.
 * - B2. So is a request without an Origin that comes from a page of another site (Sec-Fetch-Site; `no-cors` by GET).
 * - B3. A caller that is trusted because it is on this machine must use one of the machine's own host names. With DNS
 *   rebinding, a page's host name leads to this machine; requests to that host name carry it in Host, and no Origin.
 * - B4. A page of the request's own origin may call: it is Lever's console, since what services answer there has no origin. Its
 *   host name must be the machine's own or, on a host with tokens, one of the host's certificate or of `--console-host`, so that no
 *   hostile name is.
 */

/** B1 and B2: undefined = the page may call, or no page makes the request. */
export function checkPageOrigin(
  headers: IncomingHttpHeaders,
  corsOrigins: ReadonlySet<string>,
): LeverError | undefined {
  if (corsOrigins.has("*")) return undefined;
  const { origin } = headers;
  if (origin !== undefined) return corsOrigins.has(origin) ? undefined : refusal(origin);
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return undefined;
  return refusal("another origin");
}

/** The host names of the console, apart from the machine's own. */
interface ConsoleNames {
  /** undefined = callers use no TLS, or need no token. */
  readonly certificate: Buffer | undefined;
  /** Names that the operator has given, in lower case. */
  readonly given: ReadonlySet<string>;
  readonly sites: Sites;
}

/** B4: a page of the request's own origin calls. Under a given name, a proxy may have taken the TLS off. */
export function isConsolePage(
  headers: IncomingHttpHeaders,
  { isSecure, given }: { readonly isSecure: boolean } & Pick<ConsoleNames, "given">,
): boolean {
  const { origin } = headers;
  const site = headers["sec-fetch-site"];
  if (origin === undefined || (site !== undefined && site !== "same-origin")) return false;
  const authority = String(headers[":authority"] ?? headers.host ?? "").toLowerCase();
  if (origin === `https://${authority}` && given.has(hostName(headers) ?? "")) return true;
  return origin === `${isSecure ? "https" : "http"}://${authority}`;
}

/** B4: the host name is no service's, but the machine's own, one of the certificate, or one that was given. */
export function isConsoleHost(
  headers: IncomingHttpHeaders,
  { certificate, given, sites }: ConsoleNames,
): boolean {
  if (ownEnvironment(headers, sites) !== undefined) return false;
  const name = hostName(headers) ?? "";
  if (isLoopbackName(name) || given.has(name)) return true;
  return certificate !== undefined && new X509Certificate(certificate).checkHost(name) === name;
}

/**
 * B3: undefined = a caller on this machine may use this host name without a token. `isPage`: the origin is not checked, and the
 * request has one.
 */
export function checkHostHeader(
  request: AccessRequest,
  isEnvironment: (name: string) => boolean,
  isPage = false,
): LeverError | undefined {
  const name = hostName(request.headers) ?? "";
  if (isLoopbackName(name)) return undefined;
  // Programs send an environment's name as the host, but a hostile network can lead a browser to this machine by it, too.
  // A browser sends an Origin with each request of a page, except for a GET to the page's own host.
  const isProgram = !isPage && (request.method !== "GET" || request.headers.upgrade !== undefined);
  const address = withoutIpv6Mapping(name.replace(/^\[|\]$/g, ""));
  const isOwnAddress =
    isIP(address) !== 0 && address === withoutIpv6Mapping(request.socket?.localAddress);
  if (isProgram && (isOwnAddress || isEnvironment(name))) return undefined;
  return new LeverError(
    "forbidden",
    `Cannot accept this call without a token: its Host header is "${name.slice(0, 200)}", which a foreign web page could send (DNS rebinding). Use 127.0.0.1 as the host, or create a token.`,
  );
}

/**
 * The Host header is a service's own name on this machine: names below `localhost` lead there, and pages of this one come from the
 * service itself. A site answers by its own name, and calls come by those of its environment.
 */
export function isLocalHost(
  { headers }: AccessRequest,
  target: LeverUrl,
  isSite: boolean,
): boolean {
  const name = hostName(headers) ?? "";
  if (isSite) return name === siteHostName(target);
  return siteOfHostName(name)?.environment === target.environment;
}

/**
 * The request comes from a page on a service's own host name: it has the origin that it is sent to, apart from the scheme, which a
 * proxy may change.
 */
export function isOwnPage(
  { headers }: Pick<AccessRequest, "headers">,
  { environment }: Pick<LeverUrl, "environment">,
  sites: Sites,
): boolean {
  const { origin } = headers;
  const host = headers[":authority"] ?? headers.host;
  if (origin === undefined || typeof host !== "string") return false;
  if (ownEnvironment(headers, sites) !== environment) return false;
  return URL.parse(origin)?.host === host.toLowerCase();
}

function refusal(origin: string): LeverError {
  return new LeverError(
    "forbidden",
    `Cannot accept this call: the environment does not allow pages of ${origin.slice(0, 200)}.`,
  );
}
