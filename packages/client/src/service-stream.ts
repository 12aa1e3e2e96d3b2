/**
 * The stream that a streaming method gets as its first argument, for services written in TypeScript: an async iterable
 * of what the caller sends, and an event emitter. It is a Node `Duplex` of messages.
 */
export interface ServiceStream<Received = unknown, Sent = unknown> extends AsyncIterable<Received> {
  /** Sends a message. False = the caller has to catch up: wait for "drain". */
  write(message: Sent): boolean;
  /** Ends the stream. */
  end(): unknown;
  /** Fails the stream. */
  destroy(error?: Error): unknown;
  on(event: "data", listener: (message: Received) => void): unknown;
  on(event: "end" | "drain" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}
