/* Parts of requests of HTTP/1.1, of which the vectors are made. */

export const POST = "POST /svc/echo HTTP/1.1";
export const HOST = "Host: dev.lever";
export const LENGTH = "Content-Length: 3";
export const CHUNKED = "Transfer-Encoding: chunked";

/** Lines of a head, and the empty line after them. */
export const head = (...lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
/** A good request except for these fields. */
export const fields = (...more: readonly string[]): string =>
  `${head(POST, HOST, ...more, LENGTH)}[1]`;
/** A good request except for its body and what frames it. */
export const framed = (framing: readonly string[], body: string): string =>
  head(POST, HOST, ...framing) + body;
/** A good request with these chunks. */
export const chunked = (chunks: string): string => framed([CHUNKED], chunks);
/** A good request with another first line. */
export const line = (text: string): string => `${head(text, HOST, LENGTH)}[1]`;
/** A good request. */
export const good: string = fields();
/** Numbers in the names keep them apart. */
export const numbered = (name: string, texts: readonly string[]): [string, string][] =>
  texts.map((text, index) => [`${name} ${index + 1}`, text]);
