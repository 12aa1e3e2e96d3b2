import type { IncomingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import { type RequestHead, ServerConnection, type ServerStream } from "@leveros/runtime/http2";
import type { Clock } from "../../clock.ts";
import { type Connection, isForwarded } from "../admission/admit-call.ts";
import type { HeldConnection } from "../connections.ts";
import type { GatewayLimits } from "../gateway-limits.ts";
import { isGrpc } from "../grpc/door.ts";
import { acceptedCoding } from "../http/content-coding.ts";
import { LINGER_MS } from "../http/discard-body.ts";
import { isGrpcType, payloadKind } from "../http/payload-kind.ts";
import { plainTarget } from "../http/plain-target.ts";
import type { PlainCall, PlainHead } from "./plain-call.ts";

/** The head of a request. An equal one on the same connection is not read again. */
export interface Http2Head {
  readonly headers: IncomingHttpHeaders;
  readonly isGrpc: boolean;
  readonly isForwarded: boolean;
  readonly isTooLong: boolean;
  /** Defined for a plain call. */
  readonly plain: PlainHead | undefined;
}

/** Shared by all connections. */
export interface Http2Shared {
  /** The clock at the last tick, in complete milliseconds. */
  now: number;
  /** The field `date` of responses, encoded. */
  date: Uint8Array;
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  serve(stream: ServerStream, head: Http2Head, connection: Http2Connection): void;
  forget(connection: Http2Connection): void;
}

/**
 * A connection of HTTP/2.
 *
 * - N4. One without open calls is closed once nothing has arrived for the idle time.
 * - N5. One with open calls may be silent, however long, but its client must answer when it is asked.
 */
export class Http2Connection implements HeldConnection {
  /** Its addresses, which Node would look up for each call. */
  readonly peer: Connection;
  readonly #session: ServerConnection<Http2Head>;
  readonly #shared: Http2Shared;
  #idleSince: number;
  /** The tick since which nothing has arrived. */
  #silentSince: number;
  /** The tick at which the client was asked for an answer; 0 = it was not, or has sent something since. */
  #askedAt = 0;
  /** The tick since which it only waits for the client to close it; 0 = it does not. */
  #closingSince = 0;
  /** The head that was arriving at the last tick, and the tick since which it does. */
  #arrivingHead: object | undefined;
  #arrivingSince = 0;
  /** Calls that have begun in the bytes that are being read. */
  readonly #arriving: PlainCall[] = [];
  /** Something has arrived since the last tick. */
  #hasReceived = false;

  constructor(socket: Socket, shared: Http2Shared) {
    const { remoteAddress, localAddress } = socket;
    this.peer = { remoteAddress, localAddress };
    this.#shared = shared;
    this.#silentSince = shared.now;
    this.#idleSince = shared.clock.now();
    this.#session = new ServerConnection(socket, {
      headerBytesMax: shared.limits.headerBytesMax,
      readHead: (head) => readHead(head, this.peer, shared.limits),
      onStream: (stream, head) => shared.serve(stream, head, this),
      onIdle: () => {
        this.#idleSince = shared.clock.now();
      },
      date: () => shared.date,
      now: () => shared.clock.now(),
    });
    // After the session, which has read the bytes.
    socket.on("data", () => {
      this.#hasReceived = true;
      for (const call of this.#arriving) call.onReadAll();
      this.#arriving.length = 0;
    });
    socket.on("close", () => shared.forget(this));
  }

  /** Calls `onReadAll` of the call when all that has arrived together is read. */
  addArriving(call: PlainCall): void {
    this.#arriving.push(call);
  }

  get idleSince(): number | undefined {
    const { streams, isOpen } = this.#session;
    return streams > 0 || !isOpen ? undefined : this.#idleSince;
  }

  close(): void {
    this.#session.close();
  }

  /** Called about once a second. */
  onTick(): void {
    const { now, limits } = this.#shared;
    if (this.#hasReceived) {
      this.#hasReceived = false;
      this.#silentSince = now;
      this.#askedAt = 0;
    }
    const session = this.#session;
    if (session.arrivingHead !== this.#arrivingHead) {
      this.#arrivingHead = session.arrivingHead;
      this.#arrivingSince = now;
    }
    const isHeadLate =
      this.#arrivingHead !== undefined && now - this.#arrivingSince >= limits.headersTimeoutMs;
    const silentMs = now - this.#silentSince;
    const isBusy = session.streams > 0;
    if (!session.isOpen && !isBusy) {
      // The client has the end of the connection, and has to close it.
      if (this.#closingSince === 0) this.#closingSince = now;
      else if (now - this.#closingSince >= LINGER_MS) session.destroy();
    } else if (isHeadLate) session.destroy();
    else if (isBusy) this.#checkPeer(silentMs);
    else if (silentMs >= limits.idleConnectionTimeoutMs) session.close();
  }

  /** N5. */
  #checkPeer(silentMs: number): void {
    const { now, limits } = this.#shared;
    const intervalMs = Math.min(limits.pingIntervalMs, limits.idleConnectionTimeoutMs);
    if (this.#askedAt !== 0) {
      if (now - this.#askedAt >= intervalMs) this.#session.destroy();
    } else if (silentMs >= intervalMs) {
      this.#askedAt = now;
      this.#session.ask();
    }
  }
}

function readHead(
  { headers, isTooLong }: RequestHead,
  peer: Connection,
  limits: GatewayLimits,
): Http2Head {
  const head = {
    headers,
    isGrpc: isGrpc(headers),
    isForwarded: isForwarded(headers),
    isTooLong,
  };
  return { ...head, plain: plainHead(head, peer, limits) };
}

function plainHead(
  { headers, isForwarded, isTooLong }: Pick<Http2Head, "headers" | "isForwarded" | "isTooLong">,
  socket: Connection,
  limits: GatewayLimits,
): PlainHead | undefined {
  const { ":method": method, ":path": path = "" } = headers;
  const contentType = headers["content-type"];
  if (isTooLong || method !== "POST" || isGrpcType(contentType)) return undefined;
  // Fields that `serveHttp` answers, or acts on.
  const { origin, expect } = headers;
  if (origin !== undefined || expect !== undefined) return undefined;
  if (headers["content-encoding"] !== undefined) return undefined;
  const called = plainTarget(path, headers, limits);
  if (called === undefined) return undefined;
  const { target, askedMs } = called;
  const request = { method, headers, socket, isForwarded };
  return {
    incoming: { door: "http", target, request, isStream: false, askedMs },
    kind: payloadKind(contentType),
    coding: acceptedCoding(headers["accept-encoding"]),
  };
}
