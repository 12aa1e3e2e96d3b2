import { LeverError } from "@leveros/protocol";

/** Where spans are sent. */
export interface OtlpTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The collector of an endpoint, to which the path of traces is added, with headers as `name=value,…` (OpenTelemetry Protocol
 * Exporter, "Specifying headers via environment variables").
 * @throws LeverError `malformed_request`
 */
export function parseOtlpTarget(endpoint: string, headers = ""): OtlpTarget {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new LeverError(
      "malformed_request",
      `Cannot send traces to ${JSON.stringify(endpoint)}: it is not the URL of a collector, such as http://127.0.0.1:4318.`,
    );
  }
  url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return { url, headers: Object.fromEntries(headers.split(",").flatMap(parseHeader)) };
}

function parseHeader(pair: string): (readonly [string, string])[] {
  const [, name = "", value = ""] =
    /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
  if (name === "") return [];
  try {
    return [[name.toLowerCase(), decodeURIComponent(value)]];
  } catch {
    return [[name.toLowerCase(), value]];
  }
}
