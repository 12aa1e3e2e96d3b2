/**
 * Parses the address of a Lever host: `host:port`, or `https://host:port` for a host with TLS. Returns undefined for any
 * other text.
 */
export function parseHostAddress(text: string): URL | undefined {
  const hasScheme = /^https?:\/\//i.test(text);
  // Checked in the text: URL drops port 80, the default of http.
  if (!hasScheme && !/:\d{1,5}$/.test(text)) return undefined;
  const url = URL.parse(hasScheme ? text : `http://${text}`);
  if (url === null || url.hostname === "" || url.port === "0") return undefined;
  const hasMore = `${url.pathname}${url.search}${url.hash}${url.username}${url.password}` !== "/";
  return hasMore ? undefined : url;
}
