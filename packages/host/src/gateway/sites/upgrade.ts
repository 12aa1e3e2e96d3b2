import { type IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type {
  CallHandle,
  CallListener,
  LeverError,
  PayloadKind,
  WaitTimes,
} from "@leveros/protocol";
import { asLeverError } from "../../logs/as-lever-error.ts";
import type { DoorOptions } from "../door-options.ts";
import { endConnection } from "../http/discard-body.ts";
import { failureParts, writeFailure } from "./failure.ts";
import { confinedHeaders, type Reach } from "./reach.ts";
import { SiteReply } from "./reply.ts";
import { parseResponseHead, type ResponseHead, SWITCHING_PROTOCOLS } from "./response-head.ts";
import { admitSiteRequest, siteCall } from "./site-call.ts";
import { siteRequest } from "./site-request.ts";
import { Tunnel } from "./tunnel.ts";

/**
 * Carries a request for a WebSocket that a service's program answers. If the program accepts, its bytes are passed on in both
 * directions. Any other answer is an HTTP response, and the last one of the connection. False = the request is for something else.
 * @throws LeverError as `siteRequest`, before anything is done with the connection
 */
export function upgradeSite(
  request: IncomingMessage,
  connection: Duplex,
  head: Buffer,
  options: DoorOptions,
): boolean {
  const found = siteRequest(request, options.router.sites, true);
  if (found === undefined || !found.site.hasFetch) return false;
  // Bytes of the caller stay in the connection until the program has answered.
  connection.pause();
  if (head.length > 0) connection.unshift(head);
  const response = openResponse(request, connection as Socket);
  try {
    const admitted = admitSiteRequest(found, request, options);
    const asked = { request, options, hasBody: false, upgrade: "websocket" } as const;
    const { opening, call, reach } = siteCall(found, admitted, asked);
    const { caller } = opening;
    const answer = new SiteReply({ ...options, request, response, caller, call, reach });
    const reply = new UpgradeReply(answer, { ...options, response, connection, reach });
    reply.call = options.router.open(opening, reply, true);
  } catch (error) {
    const failure = asLeverError(error, options.log, "gateway");
    writeFailure(response, failureParts(failure, request.headers));
  }
  return true;
}

/** A response of Node on the connection, which Node's server has left. It is the last one. */
function openResponse(request: IncomingMessage, connection: Socket): ServerResponse {
  request.complete = true;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(connection);
  connection.on("drain", () => {
    if (response.writableNeedDrain) response.emit("drain");
  });
  response.on("finish", () => {
    response.detachSocket(connection);
    response.destroy();
    response.emit("close");
    endConnection(connection);
  });
  return response;
}

interface UpgradeOptions extends Pick<DoorOptions, "clock" | "limits" | "replies"> {
  readonly response: ServerResponse;
  readonly connection: Duplex;
  readonly reach: Reach;
}

/** The answer to a request for a WebSocket: a WebSocket, or a response. */
class UpgradeReply implements CallListener {
  readonly #answer: SiteReply;
  readonly #options: UpgradeOptions;
  /** Gets what follows the head. */
  #listener: CallListener;
  #hasHead = false;
  #call: CallHandle | undefined;

  constructor(answer: SiteReply, options: UpgradeOptions) {
    this.#answer = answer;
    this.#listener = answer;
    this.#options = options;
  }

  set call(call: CallHandle) {
    this.#call = call;
    this.#answer.call = call;
  }

  onAssigned(waitTimes: WaitTimes): void {
    this.#answer.onAssigned(waitTimes);
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (!this.#hasHead && !this.#answer.isOver) {
      this.#hasHead = true;
      const head = parseResponseHead(kind, bytes, this.#options.limits.headerBytesMax, true);
      if (typeof head !== "string" && head.status === SWITCHING_PROTOCOLS) {
        this.#open(head);
        return;
      }
    }
    this.#listener.onMessage(kind, bytes);
  }

  onEnd(): void {
    this.#listener.onEnd();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#listener.onFail(kind, bytes);
  }

  onAbort(error: LeverError): void {
    this.#listener.onAbort(error);
  }

  onDrain(): void {
    this.#listener.onDrain();
  }

  #open({ status, headers }: ResponseHead): void {
    const { response, connection, replies, clock, reach } = this.#options;
    const call = this.#call;
    if (call === undefined) return;
    this.#answer.leave();
    response.detachSocket(connection as Socket);
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
    for (const [name, value] of Object.entries(confinedHeaders(headers, reach))) {
      for (const one of [value].flat()) text += `${name}: ${one}\r\n`;
    }
    text += "connection: Upgrade\r\nupgrade: websocket\r\n\r\n";
    connection.write(text, "latin1");
    this.#listener = new Tunnel(connection, { call, replies, clock });
  }
}
