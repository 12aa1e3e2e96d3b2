import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Log } from "../../logs/log.ts";
import { hostName } from "./host-name.ts";

/** Answers of certificate authorities' challenges (RFC 8555, 8.3). */
const CHALLENGE = /^\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]{1,200})$/;
const HTTPS_PORT = 443;
const CONNECTIONS_MAX = 1_000;
const REQUEST_TIME_MS = 5_000;
const HEADER_BYTES_MAX = 16 * 1024;

interface RedirectOptions {
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  /** The folder with answers to challenges, by their tokens; undefined = none. */
  readonly acmeDir: string | undefined;
}

export interface Redirects {
  readonly port: number;
  close(): void;
}

/**
 * Opens a port without TLS. Each request is redirected to the same address with TLS, except challenges of a certificate authority:
 * their answers are files that an ACME client writes. @throws the system's error when the port is not available
 */
export async function openRedirects(
  { bind, port, acmeDir }: RedirectOptions,
  httpsPort: number,
  log: Log,
): Promise<Redirects> {
  const options = { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_TIME_MS };
  const server = createServer(options, (request, response) => {
    response.shouldKeepAlive = false;
    void answer(request, response, { acmeDir, httpsPort });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(port, bind);
  await once(server, "listening");
  const { port: opened } = server.address() as AddressInfo;
  log("info", "gateway", "redirects opened", { bind, port: opened });
  return {
    port: opened,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { acmeDir, httpsPort }: { acmeDir: string | undefined; httpsPort: number },
): Promise<void> {
  const { url = "/", headers } = request;
  const [, token] = CHALLENGE.exec(url) ?? [];
  if (token !== undefined && acmeDir !== undefined) {
    const content = await readFile(join(acmeDir, token)).catch(() => undefined);
    response.writeHead(content === undefined ? 404 : 200, {
      "content-type": "application/octet-stream",
      "x-content-type-options": "nosniff",
    });
    response.end(content);
    return;
  }
  const location = httpsAddress(hostName(headers), url, httpsPort);
  if (location === undefined) response.writeHead(400, { "content-length": 0 });
  else response.writeHead(308, { location, "content-length": 0 });
  response.end();
}

/** undefined = the request names no host, or its target is no path. */
export function httpsAddress(
  host: string | undefined,
  url: string,
  httpsPort: number,
): string | undefined {
  if (host === undefined || host === "" || !/^\/[!-~]*$/.test(url)) return undefined;
  return `https://${host}${httpsPort === HTTPS_PORT ? "" : `:${httpsPort}`}${url}`;
}
