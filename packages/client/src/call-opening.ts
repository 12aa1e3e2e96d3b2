import type { CallOpening, LeverUrl, Payload } from "@leveros/protocol";

/** What opens a call on a link. */
export function openingOf(
  url: LeverUrl,
  { kind, bytes: body }: Payload,
  options: { isStream: boolean; timeoutMs: number },
): CallOpening {
  // A port says where to connect, and the link is there.
  const environment = url.environment.replace(/:\d+$/, "");
  return { ...url, ...options, environment, kind, body };
}
