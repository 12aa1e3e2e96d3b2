/*
 * Requests of HTTP/1 as the parts of an input: a part for each line, and one for the body, behind a byte that says which
 * it is. A body is written with its length, so that a changed one still is one.
 */

const BODY = 0x01;

/** A request with a body. */
export function httpInput(
  first: string,
  headers: readonly string[],
  body: string | Buffer,
): Buffer[] {
  return [
    ...[first, ...headers].map((line) => Buffer.from(`${line}\r\n`)),
    Buffer.concat([Buffer.of(BODY), Buffer.from(body)]),
  ];
}

export function encodeHttp(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (part[0] !== BODY) return part;
      const body = part.subarray(1);
      return Buffer.concat([Buffer.from(`content-length: ${body.length}\r\n\r\n`), body]);
    }),
  );
}
