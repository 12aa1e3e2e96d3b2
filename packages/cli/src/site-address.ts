import { hostLabel, isLoopbackName } from "@leveros/protocol";

/** The first page of a service at its own host name: with scheme and port on the host's machine, where the name leads to the host. */
export function ownAddress(hostName: string, { protocol, hostname, port }: URL): string {
  if (!isLoopbackName(hostname)) return hostName;
  return `${protocol}//${hostName}${port === "" ? "" : `:${port}`}/`;
}

/** Why a service that answers HTTP requests has no host name of its own. */
export function whyNoHostName(service: string): string {
  const label = hostLabel(service);
  return label === undefined
    ? "It has no host name of its own: its name cannot be a part of one."
    : `It has no host name of its own: host names have no capitals, and another service is named ${label}, too.`;
}
