import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { AdmittedCall, Connection } from "../admission/admit-call.ts";

/** What HTTP/1 and HTTP/2 requests have in common, and the gateway needs. */
export interface HttpRequest {
  readonly url?: string | undefined;
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersionMajor: number;
  readonly socket: Connection;
  /** The whole request has arrived. */
  readonly complete: boolean;
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** The same for responses. */
export interface HttpResponse {
  readonly headersSent: boolean;
  readonly destroyed?: boolean;
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  /** False = wait for "drain". */
  write(chunk: Uint8Array | string): boolean;
  end(chunk?: Uint8Array | string): unknown;
  end(chunk: string, encoding: "latin1"): unknown;
  destroy(): unknown;
  on(event: "close" | "drain", listener: () => void): unknown;
}

/** One request for a method, and its response. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly admitted: AdmittedCall;
}
