import {
  type CallHandle,
  type CallListener,
  cancelled,
  LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type Payload,
  type PayloadKind,
  readSentError,
  type SentError,
} from "@leveros/protocol";

/** The subprotocol with complete errors and credit for each side (docs/reference/transports.md, "WebSocket"). */
const SUBPROTOCOL = "lever";
const WINDOW_BYTES = 256 * 1024;
const CREDIT_STEP_BYTES = WINDOW_BYTES / 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Outgoing {
  readonly data: string | Uint8Array<ArrayBuffer>;
  readonly bytes: number;
}

/** One streaming call over a WebSocket of its own, in Node and in browsers. */
export class WebSocketChannel implements CallHandle {
  readonly #socket: WebSocket;
  readonly #events: CallListener;
  readonly #target: string;
  #isOver = false;
  #hasEnded = false;
  #hasSentEnd = false;
  #isOpen = false;
  #wantsDrain = false;
  #creditBytes = WINDOW_BYTES;
  readonly #outgoing: Outgoing[] = [];
  #isPaused = false;
  #owedBytes = 0;
  #failure: (() => void) | undefined;

  /** `target` names the method and the address in error messages. */
  constructor(
    url: string,
    args: Payload,
    options: { events: CallListener; target: string; token: string | undefined },
  ) {
    this.#events = options.events;
    this.#target = options.target;
    // Web pages cannot set headers of a WebSocket, so the token is sent as a subprotocol.
    const { token } = options;
    const protocols = token === undefined ? SUBPROTOCOL : [SUBPROTOCOL, `bearer.${token}`];
    const socket = new WebSocket(url, protocols);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      this.#isOpen = true;
      socket.send(outgoing(args.kind, args.bytes).data);
      this.#pump();
    });
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code, reason }) => this.#closed(code, reason));
    // "close" follows, with the same information.
    socket.addEventListener("error", () => {});
  }

  send(kind: PayloadKind, bytes: Uint8Array, isLast = false): boolean {
    if (this.#isOver || this.#hasEnded) return true;
    this.#outgoing.push(outgoing(kind, bytes));
    this.#pump();
    if (isLast) this.end();
    this.#wantsDrain = !this.#isWritable;
    return this.#isWritable;
  }

  get #isWritable(): boolean {
    return this.#isOpen && this.#outgoing.length === 0 && this.#creditBytes > 0;
  }

  end(): void {
    if (this.#isOver || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#pump();
  }

  fail(): void {
    this.abort(cancelled("callerFailed"));
  }

  abort(_error: LeverError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.close();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#grantCredit();
  }

  #pump(): void {
    if (!this.#isOpen || this.#isOver) return;
    while (this.#creditBytes > 0) {
      const next = this.#outgoing.shift();
      if (next === undefined) break;
      this.#creditBytes -= next.bytes;
      this.#socket.send(next.data);
    }
    if (this.#hasEnded && !this.#hasSentEnd && this.#outgoing.length === 0) {
      this.#hasSentEnd = true;
      this.#socket.send("");
    }
    if (this.#wantsDrain && this.#isWritable) {
      this.#wantsDrain = false;
      this.#events.onDrain();
    }
  }

  #receive(data: unknown): void {
    if (this.#isOver) return;
    if (typeof data !== "string") {
      this.#deliver(PAYLOAD_BYTES, new Uint8Array(data as ArrayBuffer));
    } else if (data.startsWith("+")) {
      this.#creditBytes += Number(data.slice(1)) || 0;
      this.#pump();
    } else if (data.startsWith("!")) {
      this.#failure = readFailure(data.slice(1), this.#events);
    } else {
      this.#deliver(PAYLOAD_JSON, encoder.encode(data));
    }
  }

  #deliver(kind: PayloadKind, bytes: Uint8Array): void {
    this.#owedBytes += bytes.length;
    this.#events.onMessage(kind, bytes);
    this.#grantCredit();
  }

  #grantCredit(): void {
    if (this.#isPaused || this.#isOver || this.#owedBytes < CREDIT_STEP_BYTES) return;
    this.#socket.send(`+${this.#owedBytes}`);
    this.#owedBytes = 0;
  }

  #closed(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#failure !== undefined) this.#failure();
    else if (code === 1000) this.#events.onEnd();
    else this.#events.onAbort(this.#lost(code, reason));
  }

  #lost(code: number, closeReason: string): LeverError {
    const reason = this.#isOpen
      ? `the connection broke (${closeReason || `WebSocket close code ${code}`})`
      : "no Lever host accepts a WebSocket there";
    return new LeverError("unreachable", `Cannot call ${this.#target}: ${reason}.`);
  }
}

function outgoing(kind: PayloadKind, bytes: Uint8Array): Outgoing {
  return {
    // A WebSocket does not accept bytes of memory that may be shared between threads.
    data: kind === PAYLOAD_JSON ? decoder.decode(bytes) : new Uint8Array(bytes),
    bytes: bytes.length,
  };
}

/** Parses the message that the host sends before it closes: the method's error, or Lever's. */
function readFailure(text: string, events: CallListener): () => void {
  const failure = JSON.parse(text) as {
    error?: unknown;
    bytesError?: string;
    call?: unknown;
    problem?: SentError & { readonly detail?: unknown };
  };
  const { problem, bytesError } = failure;
  const call = typeof failure.call === "string" ? failure.call : undefined;
  if (problem !== undefined) {
    const error = readSentError({ ...problem, message: problem.detail }, "Lever ended the stream.");
    return () => events.onAbort(error);
  }
  if (bytesError !== undefined) {
    const bytes = Uint8Array.from(atob(bytesError), (char) => char.charCodeAt(0));
    return () => events.onFail(PAYLOAD_BYTES, bytes, call);
  }
  const value = encoder.encode(JSON.stringify(failure.error) ?? "null");
  return () => events.onFail(PAYLOAD_JSON, value, call);
}
