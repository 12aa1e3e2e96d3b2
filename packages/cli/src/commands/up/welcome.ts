import type { Host } from "@leveros/host";
import { formatAuthority, isLoopback } from "./bind-address.ts";

export const DEFAULT_PORT = 8080;

/** The facts about a host that it prints when it has started. */
export interface Welcome
  extends Pick<
    Host,
    "bind" | "port" | "workers" | "isolation" | "isolationReason" | "sharedUserReason" | "access"
  > {
  readonly dataDir: string;
  /** The command, as the user has called it. */
  readonly lever: string;
  readonly scheme: "http" | "https";
}

/** Describes the host, and what to type next in another terminal. */
export function formatWelcome(host: Welcome): string {
  const { bind, port, scheme, dataDir, lever, workers, sharedUserReason, access } = host;
  const isDefault = scheme === "http" && port === DEFAULT_PORT && isLoopback(bind);
  const authority = formatAuthority(bind, port);
  const address = scheme === "http" ? authority : `https://${authority}`;
  return [
    describeIsolation(host),
    ...(workers === 1 ? [] : [`${workers} processes accept connections.`]),
    ...(sharedUserReason === undefined
      ? []
      : [`All services run as the same user as Lever: ${sharedUserReason}.`]),
    ...(access === undefined ? [] : [access]),
    `Data is stored in ${dataDir}. Press Ctrl-C to stop.`,
    "",
    "In another terminal:",
    ...(isDefault ? [] : [`  export LEVEROS_IP_PORT=${address}`]),
    `  ${lever} deploy <dir>    deploy the service in a folder that has a lever.json`,
    `  ${lever} ls              list what is deployed`,
    "",
  ].join("\n");
}

function describeIsolation({ isolation, isolationReason }: Welcome): string {
  if (isolation === "oci") return "Instances run in containers.";
  const text = "Instances run as processes, which does not protect against hostile code.";
  return isolationReason === undefined
    ? text
    : `${text} Containers are not available: ${isolationReason} See: lever doctor`;
}
