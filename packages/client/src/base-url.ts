import { formatLeverUrl, LeverError, type LeverUrl, withoutPort } from "@leveros/protocol";
import type { HttpAddress } from "./http-address.ts";

/** The URL below which a host has the calls of one environment. */
export interface BaseUrl {
  readonly address: HttpAddress;
  /** Without a slash at its end. */
  readonly path: string;
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/**
 * Parses a base URL; one without an origin is on the origin of the page.
 * @throws LeverError `malformed_request`
 */
export function parseBaseUrl(text: string, page: string | undefined): BaseUrl {
  const url = readUrl(text, page);
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === undefined || !isHttp || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new LeverError(
      "malformed_request",
      `Cannot use ${JSON.stringify(text)} as baseUrl: allowed is a URL such as https://shop.example.com/-/lever, or in a page a path such as /-/lever.`,
    );
  }
  const isSecure = url.protocol === "https:";
  const port = url.port === "" ? (isSecure ? HTTPS_PORT : HTTP_PORT) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { address: { isSecure, host, port }, path: url.pathname.replace(/\/+$/, "") };
}

/** The path and query of a call over HTTP. The query names the environment, as web pages cannot set the Host header. */
export function callPath(url: LeverUrl, base: BaseUrl | undefined, query: URLSearchParams): string {
  const path = `${base?.path ?? ""}${formatLeverUrl({ ...url, environment: "" })}`;
  if (base === undefined) query.set("forceenv", withoutPort(url.environment));
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

function readUrl(text: string, page: string | undefined): URL | undefined {
  try {
    return new URL(text, page);
  } catch {
    return undefined;
  }
}

/** The URL of the page that this code runs in; undefined = it runs in no page. */
export function pageUrl(): string | undefined {
  const location: unknown = Reflect.get(globalThis, "location");
  const isPage = typeof location === "object" && location !== null && "href" in location;
  return isPage && typeof location.href === "string" ? location.href : undefined;
}
