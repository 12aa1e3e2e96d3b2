/** One label of a host name (RFC 1035, 2.3.4). Browsers accept `_`. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** The name of a service as a label of host names, which have no capitals; undefined = it cannot be one. */
export function hostLabel(service: string): string | undefined {
  const label = service.toLowerCase();
  return LABEL.test(label) ? label : undefined;
}
