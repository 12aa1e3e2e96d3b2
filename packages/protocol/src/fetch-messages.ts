/**
 * A request that a service's `fetch` answers, as the arguments of its call: the HTTP method, the absolute URL, the names and
 * values of its header fields in turn, and whether a body follows, as bytes messages.
 */
export type FetchRequestHead = readonly [
  method: string,
  url: string,
  fields: readonly string[],
  hasBody: boolean,
];

/** The first message of the answer, as JSON: the status, and names and values in turn. Its body follows as bytes messages. */
export type FetchResponseHead = readonly [status: number, fields: readonly string[]];
