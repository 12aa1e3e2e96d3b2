import type * as http from "node:http";
import type { Socket } from "node:net";
import { LINK_UPGRADE } from "@leveros/protocol";
import type { HttpAddress } from "./http-address.ts";
import { readProblem } from "./http-reply.ts";
import { requestTo } from "./http-request.ts";

/** Time for the response to the upgrade request. A host responds sooner. */
const UPGRADE_TIMEOUT_MS = 10_000;
/** The problem of a host is shorter. */
const PROBLEM_BYTES_MAX = 16 * 1024;

/**
 * Asks a host for a link, by an upgrade of HTTP/1.1. Resolves with the socket of the link, or with undefined when the
 * address refuses one. Rejects with Node's error when the connection fails.
 */
export function requestLink(
  address: HttpAddress,
  token: string | undefined,
): Promise<Socket | undefined> {
  const headers: http.OutgoingHttpHeaders = { connection: "Upgrade", upgrade: LINK_UPGRADE };
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  const request = requestTo(address, {
    path: "/",
    headers,
    agent: false,
    timeout: UPGRADE_TIMEOUT_MS,
  });
  return new Promise((resolve, reject) => {
    const refused = (): void => {
      resolve(undefined);
      request.destroy();
    };
    request.on("upgrade", ({ headers: { upgrade } }, socket, head) => {
      if (upgrade !== LINK_UPGRADE) {
        refused();
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket as Socket);
    });
    request.on("response", (response) => void warnOfVersion(response).finally(refused));
    request.on("timeout", refused);
    request.on("error", (error: NodeJS.ErrnoException) => {
      // A server that accepts the request and closes the connection may still accept a WebSocket.
      if (error.code === "ECONNRESET" && error.syscall !== "connect") refused();
      else reject(error);
    });
    request.end();
  });
}

let hasWarned = false;

/** Shows once when the host refuses a link because of its version. Calls continue over HTTP and WebSockets. */
async function warnOfVersion(response: http.IncomingMessage): Promise<void> {
  const { headers, statusCode: status = 0 } = response;
  if (hasWarned || headers["lever-error"] !== "platform") return;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > PROBLEM_BYTES_MAX) return;
      chunks.push(chunk);
    }
  } catch {
    return;
  }
  const problem = readProblem({ status, headers, body: Buffer.concat(chunks) });
  if (problem?.code !== "not_supported" || hasWarned) return;
  hasWarned = true;
  process.emitWarning(`${problem.message} Until then, calls use HTTP and WebSockets.`, {
    type: "LeverWarning",
    code: "LEVER_LINK_VERSION",
  });
}
