/** The part of a request that names its resource: a segment of the path, 1 = the first one, or a cookie, or a header field. */
export type HttpResource =
  | { readonly part: "path"; readonly segment: number }
  | { readonly part: "cookie" | "header"; readonly name: string };

/** `path:1`, `cookie:sid`, `header:x-room`. The names are tokens (RFC 9110, 5.6.2). */
export const HTTP_RESOURCE: RegExp =
  /^(?:path:([1-9])|(cookie):([!#$%&'*+.^_`|~0-9A-Za-z-]+)|(header):([!#$%&'*+.^_`|~0-9a-z-]+))$/;

/** Reads the field httpResource of a lever.json; undefined = it is none. */
export function parseHttpResource(text: string): HttpResource | undefined {
  const [, segment, cookie, cookieName, header, headerName] = HTTP_RESOURCE.exec(text) ?? [];
  if (segment !== undefined) return { part: "path", segment: Number(segment) };
  if (cookie !== undefined && cookieName !== undefined) return { part: "cookie", name: cookieName };
  if (header !== undefined && headerName !== undefined) return { part: "header", name: headerName };
  return undefined;
}
