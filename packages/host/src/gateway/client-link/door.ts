import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { LeverError, LINK_UPGRADE, refuseLinkUpgrade } from "@leveros/protocol";
import { isForwarded } from "../admission/admit-call.ts";
import type { DoorOptions } from "../door-options.ts";
import { rejectConnection } from "../http/write-response.ts";
import { ClientLink } from "./client-link.ts";

const SWITCHING = `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${LINK_UPGRADE}\r\n\r\n`;

/**
 * Links to programs outside: many calls over one connection, with the frames and the flow control of an instance's link. A
 * program opens one by an upgrade of HTTP/1.1.
 *
 * - G1. No page can open a link.
 * - G2. Each call is authorized by itself, with the headers of the upgrade and the tokens of that moment.
 * - G3. A link without open calls is closed after a time; one that breaks the protocol is closed at once.
 */
export class ClientLinks {
  readonly #options: DoorOptions;
  readonly connections: Set<ClientLink> = new Set();
  #isClosing = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Answers an upgrade request for a link. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    const refusal = refuseUpgrade(request);
    if (refusal !== undefined) {
      rejectConnection(socket, refusal, this.#options.limits.headersTimeoutMs);
      return;
    }
    socket.write(SWITCHING);
    if (head.length > 0) socket.unshift(head);
    const { headers } = request;
    const link: ClientLink = new ClientLink({
      ...this.#options,
      socket,
      request: { headers, socket: request.socket, isForwarded: isForwarded(headers) },
      onClosed: () => this.connections.delete(link),
    });
    this.connections.add(link);
    if (this.#isClosing) link.close();
  }

  /** Closes each link once its open calls have ended. */
  close(): void {
    this.#isClosing = true;
    for (const link of this.connections) link.close();
  }
}

/** G1. A page cannot ask for this upgrade, and a browser marks all that it sends by these headers. */
function refuseUpgrade({ method, url, headers }: IncomingMessage): LeverError | undefined {
  const isOfPage = Object.keys(headers).some(
    (name) => name === "origin" || name.startsWith("sec-fetch-"),
  );
  if (isOfPage) {
    return new LeverError(
      "forbidden",
      "Cannot open a link: links are for programs, not for pages. Use HTTP or WebSockets.",
    );
  }
  if (method === "GET" && url === "/") return refuseLinkUpgrade(headers.upgrade);
  return new LeverError("malformed_request", "Cannot open a link: its request is not GET /.");
}
