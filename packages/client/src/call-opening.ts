import type { CallOpening, LeverUrl, Payload } from "@leveros/protocol";

/** Makes the opening of a call on a link. */
export function openingOf(
  url: LeverUrl,
  { kind, bytes: body }: Payload,
  options: { isStream: boolean; timeoutMs: number },
): CallOpening {
  // The port was for connecting. The link is connected.
  const environment = url.environment.replace(/:\d+$/, "");
  return { ...url, ...options, environment, kind, body };
}
