import type { LeverUrl } from "@leveros/protocol";

type Place = Pick<LeverUrl, "environment" | "service">;

/** The end of the host names of services on the machine that calls them (RFC 6761, 6.3). */
const LOCAL_END = ".localhost";

/** The host name of a service's own on this machine, in lower case: each has an origin of its own for browsers. */
export function siteHostName({ environment, service }: Place): string {
  return `${service.toLowerCase()}.${environment}${LOCAL_END}`;
}

/** The environment, and the label of the service, in a host name of a service's own; undefined = the name is none. */
export function siteOfHostName(name: string): Place | undefined {
  const dot = name.indexOf(".");
  const end = name.length - LOCAL_END.length;
  if (!name.endsWith(LOCAL_END) || dot >= end) return undefined;
  return { service: name.slice(0, dot), environment: name.slice(dot + 1, end) };
}
