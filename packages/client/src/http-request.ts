import * as http from "node:http";
import * as https from "node:https";
import { isIP } from "node:net";
import type { HttpAddress } from "./http-address.ts";

/** Shorter than hosts keep idle connections, so that a call seldom meets one that is just being closed. */
const IDLE_CONNECTION_TIMEOUT_MS = 30_000;
/** To one host: further calls wait in this process instead of taking every connection that the host allows. */
const CONNECTIONS_MAX = 1_000;

// Shared by all clients: connections belong to the process, and idle ones neither keep it alive nor stay for long.
const agentOptions = {
  keepAlive: true,
  maxSockets: CONNECTIONS_MAX,
  timeout: IDLE_CONNECTION_TIMEOUT_MS,
};
const httpAgent = new http.Agent(agentOptions);
const httpsAgent = new https.Agent(agentOptions);

/** Begins a request, over a connection that is kept for others or, with `agent: false`, over one of its own. */
export function requestTo(
  { isSecure, host, port }: HttpAddress,
  options: http.RequestOptions & { agent?: false },
): http.ClientRequest {
  if (!isSecure) return http.request({ agent: httpAgent, ...options, host, port });
  // By itself Node would expect the certificate of the Host header's name, which is the environment's.
  const servername = isIP(host) === 0 ? host : "";
  return https.request({ agent: httpsAgent, ...options, host, port, servername });
}
