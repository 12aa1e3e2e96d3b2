import { LeverError } from "@leveros/protocol";

/** The address of a host. */
export interface HttpAddress {
  readonly isSecure: boolean;
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

const ADDRESS =
  /^(?:(?<scheme>https?):\/\/)?(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?))(?::(?<port>\d{1,5}))?\/?$/i;

/**
 * Parses `host` or `host:port`, optionally after `http://` or `https://`. TLS is used with `https://` and on port 443.
 * @throws LeverError `malformed_request`
 */
export function parseHttpAddress(text: string): HttpAddress {
  const { scheme, ipv6, name, port: digits } = ADDRESS.exec(text)?.groups ?? {};
  const host = ipv6 ?? name;
  const defaultPort = scheme?.toLowerCase() === "https" ? HTTPS_PORT : HTTP_PORT;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port === 0 || port > 65_535) {
    throw new LeverError(
      "malformed_request",
      `Cannot connect to "${text}": it does not have the form host:port.`,
    );
  }
  const isSecure = scheme === undefined ? port === HTTPS_PORT : defaultPort === HTTPS_PORT;
  return { isSecure, host, port };
}

export function formatHttpAddress({ host, port }: HttpAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
