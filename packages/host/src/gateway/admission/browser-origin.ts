import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { LeverError } from "@leveros/protocol";
import { type AccessRequest, withoutIpv6Mapping } from "../../access/token-index.ts";
import { hostName } from "../http/request-target.ts";

/**
 * What keeps a page that somebody happens to visit from calling, in that person's name, where its origin is not named.
 * A browser sends what a page wants, but these headers no page can set.
 *
 * - B1. A page whose origin the environment does not name is refused, before anything is done.
 * - B2. So is a request without an Origin that the browser says another site's page makes (`no-cors` by GET).
 * - B3. Being on this machine lets a caller in only under a name that is the machine's own: a page whose name was made to
 *   lead here (DNS rebinding) has that name as its host, and for what it gets from there it has no Origin.
 */

/** B1 and B2: why the page that makes a request may not call; undefined = it may, or no page makes it. */
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

/** B3: why who is let in for being on this machine may not call under this host name; undefined = it may. */
export function checkHostHeader(
  request: AccessRequest,
  isEnvironment: (name: string) => boolean,
): LeverError | undefined {
  const name = hostName(request.headers).toLowerCase();
  if (isLoopbackName(name)) return undefined;
  // The name of an environment is what programs send; a network may lead a browser's here all the same. All that a
  // browser sends for a page has an Origin, but for a GET of the page's own host.
  const isProgram = request.method !== "GET" || request.headers.upgrade !== undefined;
  const address = withoutIpv6Mapping(name.replace(/^\[|\]$/g, ""));
  const isOwnAddress =
    isIP(address) !== 0 && address === withoutIpv6Mapping(request.socket?.localAddress);
  if (isProgram && (isOwnAddress || isEnvironment(name))) return undefined;
  return new LeverError(
    "forbidden",
    `Cannot let this call in without a token: it comes by the host name "${name.slice(0, 200)}", under which a foreign page could call. Call 127.0.0.1, or make a token.`,
  );
}

function isLoopbackName(name: string): boolean {
  return name === "localhost" || name === "[::1]" || (isIP(name) === 4 && name.startsWith("127."));
}

function refusal(origin: string): LeverError {
  return new LeverError(
    "forbidden",
    `Pages of ${origin.slice(0, 200)} may not call into this environment.`,
  );
}
