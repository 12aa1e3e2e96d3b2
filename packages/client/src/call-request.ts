import {
  type CallRequest,
  type LeverUrl,
  OUTSIDE,
  type Payload,
  type TraceContext,
  withoutPort,
} from "@leveros/protocol";

/** The request of a call over a link. The host decides who the caller is. */
export function callRequest(
  url: LeverUrl,
  { kind, bytes: body }: Payload,
  options: {
    isStream: boolean;
    timeoutMs: number;
    parent?: number | undefined;
    trace?: TraceContext | undefined;
  },
): CallRequest {
  const { service, resource, method } = url;
  const { isStream, timeoutMs, parent, trace } = options;
  const environment = withoutPort(url.environment);
  const target = { environment, service, resource, method };
  return { caller: OUTSIDE, target, isStream, timeoutMs, kind, body, parent, trace };
}
