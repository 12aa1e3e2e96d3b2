import type { FetchResponseHead } from "@leveros/protocol";

/** The parts of a `Response` that are sent. Libraries have classes of their own. */
export interface ResponseParts {
  readonly status: number;
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: ReadableStream<unknown> | null;
}

/** @throws TypeError when the value is no answer to a request. */
export function checkResponse(value: unknown): ResponseParts {
  if (!isResponse(value)) {
    throw new TypeError(`fetch must return a Response, and returned ${describe(value)}`);
  }
  if (value.status < 200) throw new TypeError("fetch returned a Response of a network error");
  return value;
}

export function responseHead({ status, headers }: ResponseParts): FetchResponseHead {
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return [status, fields];
}

function isResponse(value: unknown): value is ResponseParts {
  return (
    typeof value === "object" &&
    value !== null &&
    "status" in value &&
    typeof value.status === "number" &&
    "headers" in value &&
    typeof value.headers === "object" &&
    value.headers !== null &&
    Symbol.iterator in value.headers &&
    "body" in value
  );
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === "string" ? `a value of ${name}` : "another object";
}
