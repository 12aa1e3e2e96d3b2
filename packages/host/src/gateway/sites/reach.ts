import type { ResponseHead } from "./response-head.ts";

/**
 * Keeps pages below a host name that Lever itself uses from the origin of that name: they can neither read what others store
 * there nor call with the rights of their reader.
 */
export const SANDBOX: string =
  "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts allow-top-navigation-by-user-activation";

/** Fields with which an answer acts on its whole origin: its storage, its connections, reports about its other requests. */
const ORIGIN_WIDE: ReadonlySet<string> = new Set([
  "alt-svc",
  "clear-site-data",
  "nel",
  "report-to",
  "service-worker-allowed",
  "strict-transport-security",
]);

/** The reach of a service's answer in browsers, beside the service itself. */
export type Reach =
  /** The host name was given to the service: all that has the name is its own matter. */
  | { readonly kind: "name" }
  /** The host name is one of several below another name, each for the service that its first label names. */
  | { readonly kind: "label" }
  /** Other services and Lever have the host name, too. `path`: the service's path there, without a slash at its end. */
  | { readonly kind: "path"; readonly path: string };

export const BY_NAME: Reach = { kind: "name" };
export const BY_LABEL: Reach = { kind: "label" };

/** The fields of a service's answer, so that they reach no other service, and nothing of Lever's. */
export function confinedHeaders(
  headers: ResponseHead["headers"],
  reach: Reach,
): ResponseHead["headers"] {
  switch (reach.kind) {
    case "name":
      return headers;
    case "label": {
      const cookies = headers["set-cookie"];
      return cookies === undefined ? headers : { ...headers, "set-cookie": confined(cookies) };
    }
    case "path":
      return onSharedHost(headers, reach.path);
  }
}

function onSharedHost(headers: ResponseHead["headers"], path: string): ResponseHead["headers"] {
  // Without a prototype, because services choose the names.
  const shared = Object.create(null) as Record<string, string | string[]>;
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || ORIGIN_WIDE.has(name)) continue;
    shared[name] = name === "set-cookie" ? confined(value, path) : value;
  }
  const policies = [headers["content-security-policy"] ?? [], SANDBOX].flat();
  shared["content-security-policy"] = policies.join(", ");
  shared["x-content-type-options"] = "nosniff";
  return shared;
}

function confined(cookies: string | string[], path?: string): string[] {
  return [cookies].flat().map((cookie) => confinedCookie(cookie, path));
}

/**
 * A cookie that browsers send to its own host name only and, with a path, below it (RFC 6265, 5.2). Its own path is kept, below the
 * other one. A cookie without a path is for the one of its request, which is below it.
 */
export function confinedCookie(cookie: string, path = ""): string {
  const [pair = "", ...attributes] = cookie.split(";");
  const kept: string[] = [];
  let own = "";
  for (const attribute of attributes) {
    const equals = attribute.indexOf("=");
    const name = (equals === -1 ? attribute : attribute.slice(0, equals)).trim().toLowerCase();
    // The last path counts.
    if (name === "path") own = equals === -1 ? "" : attribute.slice(equals + 1).trim();
    else if (name !== "domain") kept.push(attribute);
  }
  if (own.startsWith("/")) kept.push(` Path=${below(path, own)}`);
  return [pair, ...kept].join(";");
}

function below(path: string, own: string): string {
  const isBelow = path === "" || own === path || own.startsWith(`${path}/`);
  return isBelow ? own : path + own.replace(/\/$/, "");
}
