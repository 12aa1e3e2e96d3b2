import type * as http from "node:http";
import type * as https from "node:https";
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
let httpAgent: http.Agent | undefined;
let httpsAgent: https.Agent | undefined;

/** Begins a request, over a connection that is kept for others or, with `agent: false`, over one of its own. */
export function requestTo(
  { isSecure, host, port }: HttpAddress,
  options: http.RequestOptions & { agent?: false },
): http.ClientRequest {
  // Had when they are needed, and not imported, which would load all that they ever load: an instance, whose calls go over
  // the link that it has, would start with 6 MB that it does not use.
  if (!isSecure) {
    const { Agent, request } = process.getBuiltinModule("node:http");
    httpAgent ??= new Agent(agentOptions);
    return request({ agent: httpAgent, ...options, host, port });
  }
  const { Agent, request } = process.getBuiltinModule("node:https");
  httpsAgent ??= new Agent(agentOptions);
  // By itself Node would expect the certificate of the Host header's name, which is the environment's.
  const servername = process.getBuiltinModule("node:net").isIP(host) === 0 ? host : "";
  return request({ agent: httpsAgent, ...options, host, port, servername });
}
