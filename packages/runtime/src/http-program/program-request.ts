import {
  type CallHandle,
  type CallListener,
  encodeText,
  type FetchRequestHead,
  LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import { countPassed } from "../buffer-garbage.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import type { ExchangeListener, ProgramConnection } from "./program-connection.ts";
import { chunkOf, LAST_CHUNK, type RequestFraming, requestText } from "./request-text.ts";
import type { ProgramHead } from "./response-head.ts";

/** Methods whose requests may be sent twice (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
/** Time after a broken connection in which the program may exit. The exit of this process then says more. */
const EXIT_GRACE_MS = 300;

export interface RequestOptions {
  readonly pool: ConnectionPool;
  /** Further header fields, in lines. */
  readonly fields: string;
  /** Called once, when the call is over. */
  readonly onOver: (request: ProgramRequest) => void;
}

/** One HTTP request to the program. It sends what the caller sends, and the program's answer to `side`. */
export class ProgramRequest implements CallListener, ExchangeListener {
  readonly #side: CallHandle;
  readonly #options: RequestOptions;
  readonly #method: string;
  readonly #text: string;
  readonly #framing: RequestFraming;
  #connection: ProgramConnection;
  /** Bytes of a sized body that the caller has not sent. */
  #missing: number;
  #isRequestSent: boolean;
  #head: ProgramHead | undefined;
  /** The caller has its answer, or has left. */
  #isOver = false;

  constructor(head: FetchRequestHead, side: CallHandle, options: RequestOptions) {
    this.#side = side;
    this.#options = options;
    const { text, framing } = requestText(head, options.fields);
    [this.#method] = head;
    this.#text = text;
    this.#framing = framing;
    this.#missing = framing.kind === "sized" ? framing.bytes : 0;
    this.#isRequestSent = framing.kind === "none";
    this.#connection = options.pool.take();
    this.#begin();
  }

  /** Its connection is a WebSocket. */
  get isUpgraded(): boolean {
    return this.#head?.framing.kind === "upgraded";
  }

  // From the caller.

  onMessage(_kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isOver || bytes.length === 0) return;
    if (!this.#write(bytes)) this.#side.pause();
  }

  onEnd(): void {
    if (this.#isOver || this.#isRequestSent) return;
    this.#isRequestSent = true;
    if (this.#framing.kind === "chunked") this.#connection.write(LAST_CHUNK);
    else if (this.#missing > 0) this.#cancel(malformed("shorter"));
    else if (this.isUpgraded) this.#connection.end();
  }

  onFail(): void {
    this.onAbort();
  }

  onAbort(): void {
    this.#over();
  }

  onDrain(): void {
    if (!this.#isOver) this.#connection.resume();
  }

  // From the program.

  onHead(head: ProgramHead, isLast: boolean): void {
    this.#head = head;
    const { status, fields } = head;
    const bytes = encodeText(JSON.stringify([status, fields]));
    if (!this.#side.send(PAYLOAD_JSON, bytes, isLast)) this.#connection.pause();
    if (isLast) this.#complete();
  }

  onContent(piece: Buffer, isLast: boolean): void {
    if (piece.length === 0) this.#side.end();
    else {
      countPassed(piece.length);
      const isTaken = this.#side.send(PAYLOAD_BYTES, Buffer.from(piece), isLast);
      if (!isTaken && !isLast) this.#connection.pause();
    }
    if (isLast) this.#complete();
  }

  onWritable(): void {
    this.#side.resume();
  }

  onBroken(reason: string, isUntouched: boolean): void {
    const wasIdle = this.#connection.requestsBefore > 0;
    const isSafe = IDEMPOTENT.has(this.#method) && this.#framing.kind === "none";
    if (isUntouched && wasIdle && isSafe) {
      // The program had closed the idle connection before it could read the request. A new one is not idle: this is done once.
      this.#connection = this.#options.pool.take({ isNew: true });
      this.#begin();
      return;
    }
    setTimeout(() => this.#cancel(programFailed(reason)), EXIT_GRACE_MS);
  }

  #begin(): void {
    const asked = { method: this.#method, isUpgrade: this.#framing.kind === "upgrade" };
    this.#connection.begin(this.#text, asked, this);
  }

  /** False = wait for `onWritable`. */
  #write(bytes: Uint8Array): boolean {
    switch (this.#framing.kind) {
      case "none":
        return true;
      case "chunked":
        return this.#connection.write(chunkOf(bytes));
      case "sized":
        if (bytes.length > this.#missing) {
          this.#cancel(malformed("longer"));
          return true;
        }
        this.#missing -= bytes.length;
        return this.#connection.write(Buffer.from(bytes));
      case "upgrade":
        // A program that has not upgraded the connection would take them for another request.
        if (this.isUpgraded) return this.#connection.write(Buffer.from(bytes));
        this.#cancel(malformed("earlier"));
        return true;
    }
  }

  /** The answer is complete. */
  #complete(): void {
    const head = this.#head;
    const isSent = this.#framing.kind === "sized" ? this.#missing === 0 : this.#isRequestSent;
    if (head?.keepsAlive !== true || !isSent) {
      this.#over();
      return;
    }
    this.#isOver = true;
    this.#options.pool.giveBack(this.#connection, head.keepAliveSeconds);
    this.#options.onOver(this);
  }

  #cancel(error: LeverError): void {
    if (this.#isOver) return;
    this.#side.abort(error);
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.destroy();
    this.#options.onOver(this);
  }
}

function programFailed(reason: string): LeverError {
  return new LeverError("instance_failed", `Cannot pass on the request: ${reason}.`);
}

function malformed(how: string): LeverError {
  return new LeverError(
    "malformed_request",
    `Cannot pass on the request: its body is ${how} than its head announces.`,
  );
}
