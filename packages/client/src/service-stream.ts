/**
 * The first argument of a streaming method, for services written in TypeScript: an async iterable of the caller's messages
 * and an event emitter. At run time it is a Node `Duplex` in object mode.
 */
export interface ServiceStream<Received = unknown, Sent = unknown> extends AsyncIterable<Received> {
  /** Sends a message. False = the caller is slower: wait for "drain". */
  write(message: Sent): boolean;
  /** Half-closes: the method sends no more messages. */
  end(): unknown;
  /** Ends the stream with an error. */
  destroy(error?: Error): unknown;
  on(event: "data", listener: (message: Received) => void): unknown;
  on(event: "end" | "drain" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}
