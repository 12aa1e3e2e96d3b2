/**
 * A request that a service's `fetch` answers, as the arguments of its call: the HTTP method, the absolute URL, the names and
 * values of its header fields in turn, and whether a body follows, as bytes messages. `upgrade`: the caller asks for a WebSocket.
 */
export type FetchRequestHead = readonly [
  method: string,
  url: string,
  fields: readonly string[],
  hasBody: boolean,
  upgrade?: "websocket",
];

/**
 * The first message of the answer, as JSON: the status, and names and values in turn. Its body follows as bytes messages. After 101
 * (Switching Protocols), these are the bytes of the WebSocket, in both directions.
 */
export type FetchResponseHead = readonly [status: number, fields: readonly string[]];
