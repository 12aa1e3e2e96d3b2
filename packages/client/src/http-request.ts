import type * as http from "node:http";
import type * as https from "node:https";
import type { HttpAddress } from "./http-address.ts";

/** Shorter than the idle timeout of hosts, so that a call rarely uses a connection that is just being closed. */
const IDLE_CONNECTION_TIMEOUT_MS = 30_000;
/** Connections to one host. Further calls wait in this process instead of using every connection that the host allows. */
const CONNECTIONS_MAX = 1_000;

// Shared by all clients of the process. Idle connections do not keep it alive and are closed soon.
const agentOptions = {
  keepAlive: true,
  maxSockets: CONNECTIONS_MAX,
  timeout: IDLE_CONNECTION_TIMEOUT_MS,
};
let httpAgent: http.Agent | undefined;
let httpsAgent: https.Agent | undefined;

/** Starts a request over a shared connection, or with `agent: false` over a connection of its own. */
export function requestTo(
  { isSecure, host, port }: HttpAddress,
  options: http.RequestOptions & { agent?: false },
): http.ClientRequest {
  // Loaded on first use instead of imported: an instance, whose calls go over its link, would start with 6 MB that it does
  // not use.
  if (!isSecure) {
    const { Agent, request } = process.getBuiltinModule("node:http");
    httpAgent ??= new Agent(agentOptions);
    // Node would derive a name for TLS from the Host header, for which it compiles a large pattern.
    const withoutTls: https.RequestOptions = { ...options, host, port, servername: "" };
    return request({ agent: httpAgent, ...withoutTls });
  }
  const { Agent, request } = process.getBuiltinModule("node:https");
  httpsAgent ??= new Agent(agentOptions);
  // By default Node would check the certificate against the Host header, which names the environment.
  const servername = process.getBuiltinModule("node:net").isIP(host) === 0 ? host : "";
  return request({ agent: httpsAgent, ...options, host, port, servername });
}
