import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type HttpResource, LeverError } from "@leveros/protocol";

/** A longer name is none that an application would use. */
const NAME_BYTES_MAX = 1_000;
const HASH_LENGTH = 32;

/**
 * The resource that a request names, by its path behind the service; `""` = none. Cookies are secrets, and names of resources are
 * shown to operators: a cookie's resource is the beginning of the SHA-256 of its value.
 * @throws LeverError `malformed_request`
 */
export function requestResource(
  source: HttpResource | undefined,
  path: string,
  headers: IncomingHttpHeaders,
): string {
  if (source === undefined) return "";
  const found = textOf(source, path, headers);
  if (Buffer.byteLength(found) > NAME_BYTES_MAX) {
    throw malformed(source, `it has more than ${NAME_BYTES_MAX} bytes`);
  }
  if (source.part !== "cookie" || found === "") return found;
  return createHash("sha256").update(found).digest("hex").slice(0, HASH_LENGTH);
}

function textOf(source: HttpResource, path: string, headers: IncomingHttpHeaders): string {
  switch (source.part) {
    case "path": {
      const [pathname = ""] = path.split(/[?#]/, 1);
      const segment = pathname.split("/", source.segment + 1)[source.segment] ?? "";
      try {
        return decodeURIComponent(segment);
      } catch {
        throw malformed(source, "it has a % without two hexadecimal digits of UTF-8");
      }
    }
    case "cookie":
      return cookieOf(headers.cookie ?? "", source.name);
    case "header": {
      const value = headers[source.name];
      return typeof value === "string" ? value : (value?.join(", ") ?? "");
    }
  }
}

function cookieOf(cookies: string, name: string): string {
  for (const pair of cookies.split(";")) {
    const equals = pair.indexOf("=");
    if (equals !== -1 && pair.slice(0, equals).trim() === name)
      return pair.slice(equals + 1).trim();
  }
  return "";
}

function malformed(source: HttpResource, reason: string): LeverError {
  const part =
    source.part === "path"
      ? `segment ${source.segment} of the path`
      : `${source.part} ${source.name}`;
  return new LeverError(
    "malformed_request",
    `Cannot find the resource of the request in ${part}: ${reason}.`,
  );
}
