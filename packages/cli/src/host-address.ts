/**
 * Reads where a Lever host is: `host:port`, with `https://` before it for a host behind TLS. undefined when the text
 * is no such address.
 */
export function parseHostAddress(text: string): URL | undefined {
  const hasScheme = /^https?:\/\//i.test(text);
  // Without a scheme the port is needed: 80, which URL would drop, is as good as any.
  if (!hasScheme && !/:\d{1,5}$/.test(text)) return undefined;
  const url = URL.parse(hasScheme ? text : `http://${text}`);
  if (url === null || url.hostname === "" || url.port === "0") return undefined;
  const hasMore = `${url.pathname}${url.search}${url.hash}${url.username}${url.password}` !== "/";
  return hasMore ? undefined : url;
}
