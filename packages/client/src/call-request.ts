import { type CallRequest, type LeverUrl, OUTSIDE, type Payload } from "@leveros/protocol";

/** The request of a call over a link. The host decides who the caller is. */
export function callRequest(
  url: LeverUrl,
  { kind, bytes: body }: Payload,
  options: { isStream: boolean; timeoutMs: number },
): CallRequest {
  const { service, resource, method } = url;
  const { isStream, timeoutMs } = options;
  // A port in the environment says where to connect, and the link is connected.
  const environment = url.environment.replace(/:\d+$/, "");
  const target = { environment, service, resource, method };
  return { caller: OUTSIDE, target, isStream, timeoutMs, kind, body };
}
