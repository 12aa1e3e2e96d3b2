import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import {
  encodeField,
  encodeFields,
  INTERNAL_ERROR,
  NO_ERROR,
  type ServerStream,
  type StreamListener,
} from "@leveros/runtime/http2";
import type { AccessRequest, Connection } from "../admission/admit-call.ts";
import type { HttpRequest, HttpResponse } from "./exchange.ts";

type DataListener = (chunk: Buffer) => void;
type ErrorListener = (error?: Error) => void;
type Listener = () => void;

const CONTINUE = encodeFields({ ":status": 100 });

/** A request of HTTP/2 and its response, on their stream. */
export class Http2Request implements HttpRequest, StreamListener {
  readonly httpVersion = "2.0";
  readonly httpVersionMajor = 2;
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Connection;
  readonly isForwarded: boolean | undefined;
  readonly response: Http2Response;
  readonly #stream: ServerStream;
  readonly #onData: DataListener[] = [];
  readonly #onEnd: Listener[] = [];
  readonly #onError: ErrorListener[] = [];

  constructor(
    stream: ServerStream,
    { headers, isForwarded }: Pick<AccessRequest, "isForwarded"> & { headers: IncomingHttpHeaders },
    socket: Connection,
  ) {
    this.#stream = stream;
    this.headers = headers;
    this.isForwarded = isForwarded;
    this.socket = socket;
    this.url = headers[":path"];
    this.method = headers[":method"];
    this.response = new Http2Response(stream, this.method === "HEAD");
    stream.listen(this);
  }

  get complete(): boolean {
    return this.#stream.isRequestRead;
  }

  on(event: "data", listener: DataListener): void;
  on(event: "end", listener: Listener): void;
  on(event: "error", listener: ErrorListener): void;
  on(event: "data" | "end" | "error", listener: DataListener & Listener & ErrorListener): void {
    switch (event) {
      case "data":
        this.#onData.push(listener);
        return;
      case "end":
        this.#onEnd.push(listener);
        return;
      case "error":
        this.#onError.push(listener);
        return;
    }
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  destroy(): void {
    this.#stream.reset(NO_ERROR);
  }

  // From the stream.

  onContent(piece: Buffer): void {
    for (const listener of this.#onData) listener(piece);
  }

  onEnd(): void {
    for (const listener of this.#onEnd) listener();
  }

  onDrain(): void {
    this.response.onDrain();
  }

  onClose(isRequestRead: boolean): void {
    if (!isRequestRead) for (const listener of this.#onError) listener();
    this.response.onClose();
  }
}

/** A response of HTTP/2. Once its stream is closed, nothing is written any more. */
export class Http2Response implements HttpResponse {
  readonly stream: ServerStream;
  /** Bytes go to the stream, not to the connection. */
  readonly socket = null;
  /** A response to HEAD has no content. */
  readonly #isHead: boolean;
  #headers: Readonly<Record<string, string>> | undefined;
  readonly #onClose: Listener[] = [];
  readonly #onDrain: Listener[] = [];

  constructor(stream: ServerStream, isHead: boolean) {
    this.stream = stream;
    this.#isHead = isHead;
  }

  get headersSent(): boolean {
    return this.stream.headersSent;
  }

  get destroyed(): boolean {
    return this.stream.destroyed;
  }

  setHeader(name: string, value: string): void {
    this.#headers = { ...this.#headers, [name]: value };
  }

  writeContinue(): void {
    this.stream.inform(CONTINUE);
  }

  writeHead(status: number, headers: OutgoingHttpHeaders): void {
    const block = [fieldOf(":status", status)];
    for (const name in this.#headers) block.push(fieldOf(name, this.#headers[name]));
    for (const name in headers) {
      const value = headers[name];
      if (Array.isArray(value)) for (const one of value) block.push(fieldOf(name, one));
      else block.push(fieldOf(name, value));
    }
    this.stream.respond(Buffer.concat(block), this.#isHead);
  }

  write(chunk: Uint8Array | string): boolean {
    return this.stream.write(asBytes(chunk));
  }

  end(chunk: Uint8Array | string = "", encoding?: "latin1"): void {
    this.stream.end(asBytes(chunk, encoding));
  }

  /** Ends the response without completing it, after what was written. */
  breakOff(): void {
    this.stream.breakOff(INTERNAL_ERROR);
  }

  destroy(): void {
    this.stream.destroy();
  }

  on(event: "close" | "drain", listener: Listener): void {
    (event === "close" ? this.#onClose : this.#onDrain).push(listener);
  }

  // From the stream.

  onDrain(): void {
    for (const listener of this.#onDrain) listener();
  }

  onClose(): void {
    for (const listener of this.#onClose) listener();
  }
}

/** Fields that many responses have, encoded. */
const knownFields = new Map<string, Buffer>();
const KNOWN_FIELDS_MAX = 256;
const KNOWN_BYTES_MAX = 64;

function fieldOf(name: string, value: unknown): Buffer {
  const text = String(value);
  if (text.length > KNOWN_BYTES_MAX) return encodeField(name, text);
  const key = `${name} ${text}`;
  let field = knownFields.get(key);
  if (field === undefined) {
    field = encodeField(name, text);
    if (knownFields.size === KNOWN_FIELDS_MAX) knownFields.clear();
    knownFields.set(key, field);
  }
  return field;
}

function asBytes(chunk: Uint8Array | string, encoding?: "latin1"): Uint8Array {
  return typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
}
