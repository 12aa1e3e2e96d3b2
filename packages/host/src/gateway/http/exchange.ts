import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { AdmittedCall, Connection } from "../admission/admit-call.ts";
import type { NumberedCall } from "../call-marks.ts";
import type { ReplyWriter } from "../unread-replies.ts";

/** The parts of a request that HTTP/1.1 and HTTP/2 share and the gateway needs. */
export interface HttpRequest {
  readonly url?: string | undefined;
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersion: string;
  readonly httpVersionMajor: number;
  readonly socket: Connection;
  /** The complete request has arrived. */
  readonly complete: boolean;
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  /** A LeverError = the rest of the request is malformed, and the response has not begun. Others: the connection broke. */
  on(event: "error", listener: (error?: Error) => void): unknown;
  /**
   * Keeps the memory of the piece that "data" passes until the returned function is called. Otherwise it is overwritten.
   * undefined = memory is never overwritten.
   */
  keep?(): () => void;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** The parts of a response that HTTP/1.1 and HTTP/2 share and the gateway needs. */
export interface HttpResponse {
  readonly headersSent: boolean;
  /** The connection of HTTP/1.1; null = it is closed, or still has an earlier response. */
  readonly socket: ReplyWriter | null;
  readonly destroyed?: boolean;
  setHeader(name: string, value: string): unknown;
  /** Asks the caller for the body (RFC 9110, 15.2.1). */
  writeContinue(): unknown;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  /** False = the buffer is full: wait for "drain". */
  write(chunk: Uint8Array | string, onWritten?: () => void): boolean;
  end(chunk?: Uint8Array | string): unknown;
  end(chunk: string, encoding: "latin1"): unknown;
  destroy(): unknown;
  on(event: "close" | "drain", listener: () => void): unknown;
}

/** An admitted request, and its response. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly admitted: AdmittedCall;
  readonly call: NumberedCall;
}
